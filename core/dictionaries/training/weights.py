"""What is learnt, and how it begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

NAMES = ("W_enc", "b_enc", "W_dec", "b_dec")

# Iterations of the geometric median; its error falls by about a third each.
MEDIAN_STEPS = 100


@dataclass(eq=False)
class Weights:
    """The parameters in training, all float32 leaves.

    W_enc, W_dec: (m, d), one row a feature: the encoder lies the other way round than in files, since a step reads
    single features of both. b_enc (m,), b_dec (d,). own: what a method adds (thresholds, gates), by name.
    """

    W_enc: Tensor
    b_enc: Tensor
    W_dec: Tensor
    b_dec: Tensor
    own: dict[str, Tensor] = field(default_factory=dict, kw_only=True)

    def named(self) -> Iterator[tuple[str, Tensor]]:
        yield from ((name, getattr(self, name)) for name in NAMES)
        yield from self.own.items()

    @property
    def m(self) -> int:
        return len(self.W_dec)

    @torch.no_grad()
    def hold_decoder(self) -> None:
        """Decoder rows back to length 1, without which codes could shrink while rows grow."""
        self.W_dec.div_(self.W_dec.norm(dim=1, keepdim=True).clamp(min=1e-12))

    @torch.no_grad()
    def project_gradient(self) -> None:
        """Take out of the decoder's gradient what would only change the lengths of its rows."""
        gradient = self.W_dec.grad
        assert gradient is not None
        along = (gradient * self.W_dec).sum(dim=1, keepdim=True)
        gradient.addcmul_(along, self.W_dec, value=-1)


def begin(sample: Tensor, m: int, k: int, seed: int) -> Weights:
    """Weights for data like `sample` (n, d), which is scaled as in training.

    Decoder rows are random and of length 1; the encoder is their transpose times the factor with which the k largest
    codes rebuild the sample best (Gao et al. 2024 tie the two; without the factor the first reconstructions are many
    times too long; k of 0 leaves it at 1). b_dec is the sample's geometric median, which no outlier moves far.
    """
    chance = torch.Generator().manual_seed(seed)
    rows = torch.randn(m, sample.shape[1], generator=chance)
    rows = (rows / rows.norm(dim=1, keepdim=True)).to(sample)
    b_dec = geometric_median(sample)
    factor = _factor(sample - b_dec, rows, k) if k else 1.0
    weights = Weights(rows * factor, sample.new_zeros(m), rows.clone(), b_dec)
    for _, tensor in weights.named():
        tensor.requires_grad_(True)
    return weights


def _factor(centred: Tensor, rows: Tensor, k: int) -> float:
    """The multiple of the k largest products with `rows` that rebuilds `centred` best, by least squares."""
    some = centred[:1024]
    values, places = (some @ rows.T).topk(min(k, len(rows)), dim=1)
    rebuilt = torch.stack([values[i].relu() @ rows[places[i]] for i in range(len(some))])
    return float((some * rebuilt).sum() / rebuilt.square().sum().clamp(min=1e-12))


def geometric_median(points: Tensor, steps: int = MEDIAN_STEPS) -> Tensor:
    """The point (d,) with the least sum of distances to `points` (n, d); Weiszfeld's algorithm from the mean."""
    guess = points.mean(dim=0)
    for _ in range(steps):
        weights = 1 / (points - guess).norm(dim=1).clamp(min=1e-9)
        following = (weights @ points) / weights.sum()
        moved, guess = (following - guess).norm(), following
        if float(moved) < 1e-6 * float(guess.norm().clamp(min=1e-9)):
            break
    return guess
