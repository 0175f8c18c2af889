"""The codes that are on in a batch, with their gradients: as a list on a processor, as a matrix on a GPU.

What saves work on a processor wastes it on a GPU, whose matrix units multiply zeros faster than rows can be gathered.
Both hold the same numbers, and a test runs them against each other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.dictionaries.training.sparse import Pattern, decoded


class Active(ABC):
    """Codes of n tokens and m features."""

    @abstractmethod
    def rebuilt(self, W_dec: Tensor) -> Tensor:
        """codes W_dec, (n, d); W_dec (m, d)."""

    @abstractmethod
    def nested(self, W_dec: Tensor, ends: Sequence[int]) -> Tensor:
        """The same of the first ends[0] features, ends[1], ...: (n, len(ends), d)."""

    @abstractmethod
    def norms(self) -> Tensor:
        """|codes| of each token, (n,)."""


@dataclass(frozen=True, eq=False)
class Listed(Active):
    """values: (nnz,), where `pattern` says."""

    values: Tensor
    pattern: Pattern

    def rebuilt(self, W_dec: Tensor) -> Tensor:
        return decoded(self.values, W_dec, self.pattern)

    def nested(self, W_dec: Tensor, ends: Sequence[int]) -> Tensor:
        split = self.pattern.in_groups(torch.tensor(ends, device=W_dec.device))
        return decoded(self.values, W_dec, split).view(self.pattern.n, len(ends), -1).cumsum(dim=1)

    def norms(self) -> Tensor:
        squares = self.values.new_zeros(self.pattern.n).index_add(0, self.pattern.rows, self.values.square())
        return squares.clamp(min=1e-12).sqrt()


@dataclass(frozen=True, eq=False)
class Full(Active):
    """codes: (n, m)."""

    codes: Tensor

    def rebuilt(self, W_dec: Tensor) -> Tensor:
        return self.codes @ W_dec

    def nested(self, W_dec: Tensor, ends: Sequence[int]) -> Tensor:
        starts = [0, *ends[:-1]]
        parts = [self.codes[:, a:b] @ W_dec[a:b] for a, b in zip(starts, ends, strict=True)]
        return torch.stack(parts, dim=1).cumsum(dim=1)

    def norms(self) -> Tensor:
        return self.codes.square().sum(dim=1).clamp(min=1e-12).sqrt()
