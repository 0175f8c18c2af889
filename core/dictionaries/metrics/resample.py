"""Intervals of quotients of sums: texts are drawn again and again, whole groups of them, the quotient taken anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

RESAMPLES = 1000


def interval(
    sums: np.ndarray,
    groups: Sequence[int],
    statistic: Callable[[np.ndarray], np.ndarray],
    *,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float] | None:
    """Percentile bootstrap interval of `statistic`, or None where fewer than two groups leave nothing to draw.

    sums: (n, q), of each text. groups: (n,), texts that belong together. statistic: takes totals (r, q), returns (r,).
    """
    members = np.unique(np.asarray(groups), return_inverse=True)[1]
    totals = np.zeros((members.max() + 1, sums.shape[1]))
    np.add.at(totals, members, sums)
    count = len(totals)
    if count < 2:
        return None
    chance = np.random.default_rng(seed)
    drawn = chance.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    values = statistic(drawn @ totals)
    values = values[np.isfinite(values)]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
