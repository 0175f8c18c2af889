"""Explained variance: the share of what differs between tokens that the reconstruction has."""

from __future__ import annotations

import torch
from torch import Tensor


def explained_variance(x: Tensor, rebuilt: Tensor) -> float:
    """1 - sum |x - x^|^2 / sum |x - mean|^2 over tokens x (n, d); at most 1, below 0 for worse than the mean.

    Raises ValueError for fewer than two tokens or tokens that are all the same.
    """
    x, rebuilt = x.cpu().double(), rebuilt.cpu().double()  # not every device has 64 bits
    spread = (x - x.mean(dim=0)).square().sum()
    if len(x) < 2 or not float(spread) > 0:
        raise ValueError("explained variance needs at least two different tokens")
    return float(1 - (x - rebuilt).square().sum() / spread)


class Explained:
    """The same over batches: `add` each, then `value`. Sums are kept in float64, about a first mean, so that a large
    mean costs no digits."""

    def __init__(self) -> None:
        self.n, self.missed = 0, 0.0
        self.origin = self.sums = torch.zeros(0)
        self.squares = 0.0

    def add(self, x: Tensor, rebuilt: Tensor) -> None:
        if len(x) == 0:
            return
        x, rebuilt = x.cpu().double(), rebuilt.cpu().double()
        if self.n == 0:
            self.origin, self.sums = x.mean(dim=0), torch.zeros_like(x[0])
        away = x - self.origin
        self.sums = self.sums + away.sum(dim=0)
        self.squares += float(away.square().sum())
        self.missed += float((x - rebuilt).square().sum())
        self.n += len(x)

    @property
    def spread(self) -> float:
        """sum |x - mean|^2."""
        return self.squares - float(self.sums.square().sum()) / max(self.n, 1)

    @property
    def value(self) -> float:
        if self.n < 2 or not self.spread > 0:
            raise ValueError("explained variance needs at least two different tokens")
        return 1 - self.missed / self.spread
