"""What a dictionary misses: how much of its error is linear in the activation, and how much is neither ("dark matter").

Engels et al. 2024, "Decomposing The Dark Matter of Sparse Autoencoders": the error x - x^ is predicted from x by least
squares. A map that is fitted on n tokens with p parameters leaves p / n too little of the error on these tokens, and
about as much too much on others, which in a wide stream is more than a few percent. So the texts are dealt into two
halves, and each half is scored with its own map and with the other's: the mean of both is right but for (p / n)^2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

FEWEST = 4  # tokens per dimension in each half, below which least squares would learn the noise
WIDEST = 4096  # dimensions of what is read: products of all pairs of them are held, twice
RANK = 1e-12  # of the largest eigenvalue; directions with less variance are rounding


@dataclass(frozen=True)
class Missing:
    """explained, linear, nonlinear: shares of the variance, adding up to 1: rebuilt, error that a linear map of x
    predicts, and the rest. predicted: R2 of the error vector, linear / (linear + nonlinear). predicted_norm: R2 of
    |error|^2 from x. tokens: in both halves together."""

    explained: float
    linear: float
    nonlinear: float
    predicted: float
    predicted_norm: float
    tokens: int


class _Sums:
    """Of one half: products of x with itself and with what is to be predicted, enough for any least squares."""

    def __init__(self, d_in: int, d_out: int) -> None:
        """What is predicted has d_out + 1 columns: the error, and its squared norm."""
        self.n = 0
        self.x, self.w = torch.zeros(d_in, dtype=torch.float64), torch.zeros(d_out + 1, dtype=torch.float64)
        self.xx, self.xw = (torch.zeros(d_in, len(one), dtype=torch.float64) for one in (self.x, self.w))
        self.ww = torch.zeros_like(self.w)

    def add(self, x: Tensor, wanted: Tensor) -> None:
        self.n += len(x)
        self.x += x.sum(dim=0)
        self.w += wanted.sum(dim=0)
        self.xx.addmm_(x.T, x)
        self.xw.addmm_(x.T, wanted)
        self.ww += wanted.square().sum(dim=0)

    def map(self) -> Tensor:
        """(d_in, d_out + 1), least squares with an intercept."""
        values, vectors = torch.linalg.eigh(self.xx - torch.outer(self.x, self.x) / self.n)
        kept = values > RANK * values[-1]
        some = vectors[:, kept]
        return some @ ((some.T @ (self.xw - torch.outer(self.x, self.w) / self.n)) / values[kept, None])

    def left(self, map_: Tensor, fitted: _Sums) -> Tensor:
        """(d_out + 1,) sums of squares over this half of what a map that was fitted on `fitted` leaves."""
        x, w = fitted.x / fitted.n, fitted.w / fitted.n  # everything about the means of that half
        own_x, own_w = self.x / self.n - x, self.w / self.n - w
        xx = self.xx - self.n * (torch.outer(self.x / self.n, x) + torch.outer(x, own_x))
        xw = self.xw - self.n * (torch.outer(self.x / self.n, w) + torch.outer(x, own_w))
        ww = self.ww - self.n * (self.w / self.n * w + w * own_w)
        return ww - 2 * (map_ * xw).sum(dim=0) + (map_ * (xx @ map_)).sum(dim=0)


class Errors:
    """`add` batches of tokens, then `split`. half: (texts,) boolean, on which side each text is (see `halves_of`)."""

    def __init__(self, half: Tensor) -> None:
        self._half = half
        self._sums: tuple[_Sums, ...] = ()
        self._origin = self._middle = self._target = torch.zeros(0)
        self._squares, self._wide = 0.0, False

    def add(self, x: Tensor, target: Tensor, rebuilt: Tensor, row_of: Tensor) -> None:
        """x (n, d_in), target and rebuilt (n, d_out), row_of (n,) the text of each; anywhere, in any precision."""
        if len(x) == 0 or x.shape[1] > WIDEST:
            self._wide = self._wide or x.shape[1] > WIDEST
            return
        x, target = x.cpu().double(), target.cpu().double()
        error = target - rebuilt.cpu().double()
        if not self._sums:
            self._sums = tuple(_Sums(x.shape[1], target.shape[1]) for _ in range(2))
            self._origin, self._middle = x.mean(dim=0), target.mean(dim=0)
            self._target = torch.zeros_like(self._middle)
        wanted = torch.cat([error, error.square().sum(dim=1, keepdim=True)], dim=1)
        away = target - self._middle
        self._target += away.sum(dim=0)
        self._squares += float(away.square().sum())
        side = self._half[row_of.cpu()]
        for number, sums in enumerate(self._sums):
            chosen = side == bool(number)
            sums.add((x - self._origin)[chosen], wanted[chosen])

    def split(self) -> Missing | None:
        """None where either half has too few tokens, and where x is wider than WIDEST."""
        if self._wide or not self._sums:
            return None
        one, two = self._sums
        if min(one.n, two.n) < FEWEST * (len(one.x) + 1):
            return None
        n = one.n + two.n
        spread = self._squares - float(self._target.square().sum()) / n
        total = float((one.ww[:-1].sum() + two.ww[:-1].sum()) / spread)
        maps = one.map(), two.map()
        scored = [half.left(map_, own) for half in (one, two) for map_, own in zip(maps, (one, two), strict=True)]
        left = torch.stack(scored).sum(dim=0) / 2
        # By chance the error may seem a little larger than it is; then nothing of it is linear.
        dark = min(float(left[:-1].sum() / spread), total)
        sizes = one.ww[-1] + two.ww[-1] - (one.w[-1] + two.w[-1]).square() / n
        return Missing(
            explained=1 - total,
            linear=total - dark,
            nonlinear=dark,
            predicted=1 - dark / total if total > 0 else 0.0,
            predicted_norm=float(1 - left[-1] / sizes.clamp(min=1e-300)),
            tokens=n,
        )


def halves_of(groups: Sequence[int], seed: int = 0) -> Tensor:
    """(texts,) boolean: half of the groups on either side, by lot, and all texts of a group on one."""
    members = np.unique(np.asarray(groups), return_inverse=True)[1]
    dealt = np.random.default_rng(seed).permutation(int(members.max()) + 1 if len(members) else 0) % 2 == 0
    return torch.from_numpy(dealt[members])


def missing(x: Tensor, target: Tensor, rebuilt: Tensor, groups: Sequence[int]) -> Missing | None:
    """The same of tokens x (n, d_in), target and rebuilt (n, d_out) that are all there; groups: (n,) of each."""
    errors = Errors(halves_of(groups))
    errors.add(x, target, rebuilt, torch.arange(len(x)))
    return errors.split()
