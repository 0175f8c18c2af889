"""Small networks with one hidden layer, many at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

HIDDEN = 64
RATE = 3e-3  # of Adam


def train_networks(
    Z: np.ndarray, labels: np.ndarray, used: np.ndarray, decay: np.ndarray, *, steps: int, every: int, seed: int
) -> Iterator[tuple[int, Networks]]:
    """Fit p networks of d -> 64 (ReLU) -> 1 to as many label vectors; yields (steps done, networks) now and then.

    Z: (n, d) standardised rows. labels, used: (p, n) booleans; rows that are not used do not count. decay: (p,), weight
    decay as AdamW has it (Loshchilov and Hutter 2019). Mean log loss, whole batch, all from the same random start.
    """
    networks = Networks.random(Z.shape[1], len(labels), seed)
    x = torch.from_numpy(np.ascontiguousarray(Z, dtype=np.float32))
    y = torch.from_numpy(labels.astype(np.float32))
    weight = torch.from_numpy((used / used.sum(axis=1, keepdims=True)).astype(np.float32))
    keep = 1 - RATE * torch.from_numpy(decay.astype(np.float32))
    optimiser = torch.optim.Adam(networks.parameters(), lr=RATE)
    for step in range(1, steps + 1):
        optimiser.zero_grad()
        losses = functional.binary_cross_entropy_with_logits(networks(x), y, reduction="none")
        (losses * weight).sum().backward()
        with torch.no_grad():
            for matrix in networks.matrices():  # each network has its own decay, which no optimiser offers
                matrix.mul_(keep.view(-1, *[1] * (matrix.dim() - 1)))
        optimiser.step()
        if step % every == 0 or step == steps:
            yield step, networks


class Networks(torch.nn.Module):
    """p networks side by side."""

    def __init__(self, first: Tensor, second: Tensor) -> None:
        """first: (p, d, hidden). second: (p, hidden)."""
        super().__init__()
        p, _, hidden = first.shape
        self.first, self.second = torch.nn.Parameter(first), torch.nn.Parameter(second)
        self.first_bias = torch.nn.Parameter(torch.zeros(p, 1, hidden))
        self.second_bias = torch.nn.Parameter(torch.zeros(p, 1))

    @classmethod
    def random(cls, d: int, p: int, seed: int) -> Networks:
        """He's start (2015), the same for all p."""
        generator = torch.Generator().manual_seed(seed)
        first = torch.randn(d, HIDDEN, generator=generator) * (2 / d) ** 0.5
        second = torch.randn(HIDDEN, generator=generator) * HIDDEN**-0.5
        return cls(first.repeat(p, 1, 1), second.repeat(p, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (p, n) of rows (n, d)."""
        hidden = torch.relu(torch.matmul(x, self.first) + self.first_bias)
        return torch.einsum("pnh,ph->pn", hidden, self.second) + self.second_bias

    def matrices(self) -> list[Tensor]:
        return [self.first, self.second]

    @torch.no_grad()
    def logits(self, Z: np.ndarray) -> np.ndarray:
        """(p, n) float64 of rows (n, d)."""
        return self(torch.from_numpy(np.ascontiguousarray(Z, dtype=np.float32))).double().numpy()
