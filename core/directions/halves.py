"""How steady a direction is that is the mean of one vector per text: made from half of them, held against the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.directions.check import Check
from core.directions.method import unit
from core.stats.means import mean_interval

FEWEST = 8  # independent texts below which no half is held back
RANDOM = 200  # random directions that the held-out half is measured along


@dataclass(frozen=True, eq=False)
class Halves:
    """along: (m,) component, along the unit direction of the first half, of each vector of the second half.

    along_check, cosine_check: the mean of `along`, and the cosine of the halves' directions, each with what chance
    would give.
    """

    along: np.ndarray
    along_check: Check
    cosine_check: Check


def halves(vectors: np.ndarray, groups: np.ndarray, seed: int, *, name: str, title: str, help: str) -> Halves | None:
    """Split the texts at random, whole groups, and hold one half against the other; None if they are too few.

    vectors: (n, d) float64, one per text, whose mean is the direction. groups: (n,). name, title, help: of
    `along_check`.
    """
    numbers = np.unique(groups)
    if len(numbers) < FEWEST:
        return None
    rng = np.random.default_rng(seed)
    first = np.isin(groups, rng.permutation(numbers)[: len(numbers) // 2])
    one, other = vectors[first].mean(axis=0), vectors[~first].mean(axis=0)
    along = vectors[~first] @ unit(one)
    random = rng.standard_normal((RANDOM, vectors.shape[1]))
    by_chance = (random / np.linalg.norm(random, axis=1, keepdims=True)) @ other
    low, high = mean_interval(along, groups=groups[~first], seed=seed)
    # Cosines of random unit vectors have mean 0 and variance 1/d.
    spread = 1.96 * vectors.shape[1] ** -0.5
    return Halves(
        along,
        Check(
            name,
            title,
            float(along.mean()),
            help,
            interval=(float(low), float(high)),
            chance=(float(np.quantile(by_chance, 0.025)), float(np.quantile(by_chance, 0.975))),
        ),
        Check(
            "halves",
            "Agreement of halves",
            float(unit(one) @ unit(other)),
            "Cosine, -1 to 1, between the directions that either half of the texts gives.",
            chance=(-spread, spread),
        ),
    )
