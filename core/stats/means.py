"""The interval of a mean whose values come in groups, such as the tokens of texts."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import UserError
from core.stats.bootstrap import draw_counts


def mean_interval(
    values: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Percentile bootstrap interval of the mean over rows, whole groups drawn with replacement.

    values: (n, ...) finite; each column is resampled with the same draws, so that columns can be compared. groups:
    (n,) rows that belong together; by default each row is its own group. The mean of a resample is that of its rows,
    so that larger groups weigh more, as they do in the plain mean.
    Returns the lower and upper ends, each of the shape of one row. Raises UserError for fewer than two groups.
    """
    x = np.asarray(values, dtype=np.float64)
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    members = np.arange(len(x)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if members.shape != x.shape[:1]:
        raise ValueError(f"groups {members.shape} and values {x.shape} must have the same length")
    sizes = np.bincount(members)
    if len(sizes) < 2:
        raise UserError("An interval needs at least two groups of rows; here all rows belong to one.")
    sums = np.zeros((len(sizes), *x.shape[1:]))
    np.add.at(sums, members, x)
    counts = draw_counts(np.random.default_rng(seed), resamples, len(sizes))
    means = np.tensordot(counts, sums, axes=1) / (counts @ sizes).reshape(-1, *[1] * (x.ndim - 1))
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
