"""Intervals from resampling: what the number could have been with other rows of the same kind."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import UserError
from core.stats.auroc import checked, rank_among

_CELLS = 1_000_000  # numbers held per array and chunk: 8 MB


def auroc_interval(
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of `auroc`, whole groups drawn with replacement (Efron 1979; Field and Welsh 2007).

    labels, scores: (n,), as for `auroc`. groups: (n,) integers, rows that belong together; by default each row is
    its own group. level: share of the bootstrap distribution between the two ends, 0 < level < 1.
    Returns (low, high), 0 <= low <= high <= 1.

    A resample without a positive or without a negative has no AUROC and is drawn anew: the interval is conditional on
    both classes being present. Where the classes are perfectly separated every resample is 1 and so are both ends:
    that says nothing about how close to 1 the truth is. With few groups (below about 20) percentile intervals are
    too narrow.
    """
    y, s = checked(labels, scores)
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, not {resamples}")
    members = np.arange(len(y)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if members.shape != y.shape:
        raise ValueError(f"groups {members.shape} and labels {y.shape} must have the same length")
    n_groups = int(members.max()) + 1
    if n_groups < 2:
        raise UserError("An interval needs at least two groups of rows; here all rows belong to one.")
    rng = np.random.default_rng(seed)
    chunk = max(1, _CELLS // max(len(y), n_groups))
    values = np.empty(0)
    while len(values) < resamples:
        counts = draw_counts(rng, min(chunk, resamples - len(values)), n_groups)
        fresh = resampled_aurocs(y, s, counts[:, members])
        values = np.concatenate([values, fresh[~np.isnan(fresh)]])
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def draw_counts(rng: np.random.Generator, resamples: int, n_groups: int) -> NDArray[np.int64]:
    """How often each group is drawn when n_groups are drawn with replacement: (resamples, n_groups)."""
    drawn = rng.integers(n_groups, size=(resamples, n_groups))
    drawn += np.arange(resamples)[:, None] * n_groups
    return np.bincount(drawn.ravel(), minlength=resamples * n_groups).reshape(resamples, n_groups)


def resampled_aurocs(labels: NDArray[np.bool_], scores: NDArray, counts: NDArray) -> NDArray[np.float64]:
    """AUROC of each resample, (resamples,); NaN where a class is missing.

    counts: (resamples, n), how often each row stands in each resample. The negatives are sorted once; a positive's
    rank in every resample is then a difference of running sums of the negatives' counts.
    """
    order = np.argsort(scores[~labels], kind="stable")
    below, not_above = rank_among(scores[labels], scores[~labels][order])
    running = np.zeros((len(counts), len(order) + 1))
    np.cumsum(counts[:, ~labels][:, order], axis=1, out=running[:, 1:])
    weights = counts[:, labels].astype(np.float64)
    wins = np.einsum("rp,rp->r", weights, running[:, below]) + np.einsum("rp,rp->r", weights, running[:, not_above])
    pairs = 2 * weights.sum(axis=1) * running[:, -1]
    return np.divide(wins, pairs, out=np.full(len(counts), np.nan), where=pairs > 0)
