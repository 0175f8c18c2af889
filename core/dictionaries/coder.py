"""What every dictionary computes, whatever it came from: codes from activations, activations from codes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import torch
from torch import Tensor


class Coder(ABC):
    """The mathematics of a dictionary: tensors in, tensors out, no model and no file.

    kind: its architecture, the word in `cfg.json`. d_in: width of what is read. d_out: width of what is rebuilt (the
    same, but for transcoders and neurons). n_features: how many features there are. signed: whether codes can be
    negative, as those of neurons and principal components are. reads_scaled: whether each token is divided by its own
    scale before it is read. writes_scaled: whether what is written is multiplied with that again, so that one unit of a
    code stands for more at a larger token.
    """

    kind: str
    d_in: int
    d_out: int
    n_features: int
    signed: bool = False
    reads_scaled: bool = False
    writes_scaled: bool = False

    @abstractmethod
    def encode(self, x: Tensor) -> Tensor:
        """Codes (..., n_features) of activations x (..., d_in)."""

    @abstractmethod
    def decode(self, codes: Tensor, x: Tensor) -> Tensor:
        """What the codes (..., n_features) of x stand for, (..., d_out).

        x: the activations (..., d_in) that the codes came from; some architectures look at them again, for the scale
        that they took out before encoding or for a skip connection.
        """

    def reconstruct(self, x: Tensor) -> Tensor:
        """x (..., d_in) encoded and decoded, (..., d_out)."""
        return self.decode(self.encode(x), x)

    @property
    @abstractmethod
    def W_dec(self) -> Tensor:
        """What one unit of each feature adds to the reconstruction, before a token's own scale: (n_features, d_out)."""

    @property
    def written(self) -> Tensor:
        """What one unit of each feature writes into the residual stream or branch: (n_features, width).

        The rows of W_dec, unless the reconstruction lives somewhere else (see the dictionary's `writes_to`).
        """
        return self.W_dec

    @property
    def reading(self) -> Tensor | None:
        """How far a step in x raises what each feature reads, before its threshold and in units of its code:
        (d_in, n_features). None where there is no such matrix, or where it differs from token to token."""
        return None

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """All that is learnt, by the names that files use."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """All else that decides the numbers, as `cfg.json` has it (see `core.dictionaries.sae.config`)."""

    @abstractmethod
    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """The same coder with its tensors on another device or in another precision."""
