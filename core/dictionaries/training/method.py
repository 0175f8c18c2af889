"""What every way of training is: a pass forward with its loss, and the inference form that is saved in the end."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from core.dictionaries.sae.config import Config
from core.dictionaries.sae.sae import Sae
from core.dictionaries.training.weights import Weights


@dataclass(eq=False)
class Pass:
    """What a method makes of a batch x (n, d).

    loss: to be lowered, a scalar in units of squared activations per token. rebuilt: (n, d), detached. fired: (m,)
    which features were on. l0: how many per token, on average.
    """

    loss: Tensor
    rebuilt: Tensor
    fired: Tensor
    l0: float


@dataclass(frozen=True)
class Method(ABC):
    """A way to train. Subclasses are frozen dataclasses of `parameter` fields (core.directions.parameters).

    name, title, help: the word in files and on the command line, and words for people. Activations are scaled so that
    their mean squared distance from b_dec is d: one unit is what a random direction sees of a typical token.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str]
    version: ClassVar[int] = 1  # raised when the numbers change

    @property
    @abstractmethod
    def active(self) -> int:
        """About how many features are meant to be on per token at the start; 0 if all of them may be."""

    def extend(self, weights: Weights) -> None:
        """Add what this method learns beyond encoder and decoder to weights.own."""
        return

    def settle(self, weights: Weights, sample: Tensor) -> None:
        """Choose the first values of what was added by looking at scaled activations (n, d)."""
        return

    @abstractmethod
    def forward(self, weights: Weights, x: Tensor, memory: dict[str, Tensor]) -> Pass:
        """One pass. memory: small tensors that last from step to step (running thresholds), kept in checkpoints."""

    def mend(self, weights: Weights) -> None:
        """Put parameters back into their range after a step."""
        return

    @abstractmethod
    def finish(self, weights: Weights, memory: dict[str, Tensor], scale: float) -> Sae:
        """The inference form, for activations that were not scaled; `scale` is what they were multiplied with.

        All architectures are homogeneous: biases and thresholds are divided by the scale, W_enc and W_dec stay, and
        codes come out in the activations' own units.
        """

    def to_json(self) -> dict[str, Any]:
        return {"method": self.name, "version": self.version, "parameters": dataclasses.asdict(self)}


def squared_error(x: Tensor, rebuilt: Tensor) -> Tensor:
    """Mean over tokens of |x - x^|^2."""
    return (rebuilt - x).square().sum(dim=1).mean()


def sae_of(
    weights: Weights, architecture: str, scale: float, own: Mapping[str, Tensor] | None = None, *, k: int = 0
) -> Sae:
    """An Sae with W_enc the way files have it and biases in the activations' own units."""
    tensors = {
        "W_enc": weights.W_enc.T,
        "W_dec": weights.W_dec,
        "b_dec": weights.b_dec / scale,
        **(own or {}),
    }
    if architecture != "gated":
        tensors["b_enc"] = weights.b_enc / scale
    plain = {name: tensor.detach().float().cpu().contiguous().clone() for name, tensor in tensors.items()}
    m, d = weights.W_dec.shape
    return Sae(Config(architecture, d, m, d, k=k), plain)


def pre_activations(weights: Weights, x: Tensor) -> Tensor:
    """(x - b_dec) W_enc^T + b_enc, (n, m)."""
    return torch.addmm(weights.b_enc, x - weights.b_dec, weights.W_enc.T)
