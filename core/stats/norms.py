"""The length of a mean of vectors, and its interval; the distance of two."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import UserError
from core.stats.bootstrap import draw_counts

_CELLS = 1_000_000  # numbers held per array and chunk


def mean_norm(
    rows: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Length of the mean of vectors (n, d) with the chance part taken off, and its interval: (norm, low, high), >= 0.

    The mean of n vectors about m is longer than m by chance: its squared norm is |m|^2 + b in the mean, b being the
    trace of its covariance. A resample of whole groups adds another b. So b is estimated as what resampling adds,
    |mean|^2 - b is the square that is reported, and the interval has the ends of |resampled mean|^2 - 2b, cut at 0
    (bias-corrected bootstrap, Efron and Tibshirani 1993, chapter 10). 0 within it: no length beyond chance is shown.
    """
    X = np.asarray(rows, dtype=np.float64)
    sums, sizes = _by_group(X, groups)
    squared = float((X.mean(axis=0) ** 2).sum())
    drawn = np.concatenate(
        [
            ((counts @ sums / (counts @ sizes)[:, None]) ** 2).sum(axis=1)
            for counts in _draws(sizes, resamples, X.shape[1], seed)
        ]
    )
    added = float(drawn.mean()) - squared
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]) - 2 * added
    norm, low, high = np.sqrt(np.maximum([squared - added, low, high], 0))
    return float(norm), float(low), float(high)


def distance_of_means(rows: ArrayLike, labels: ArrayLike, *, groups: ArrayLike | None = None) -> float:
    """Distance between the means of two classes of vectors (n, d) with the chance part taken off, >= 0.

    The squared distance of two means of n1 and n2 rows is in the mean larger than that of what they estimate by
    tr(S1) / n1 + tr(S2) / n2, S the classes' covariances: in 576 dimensions 40 rows of one and the same kind lie apart
    by as much as a concept does. That is taken off the square, which is cut at 0. labels: (n,), both present. groups:
    (n,), rows that belong together: what a group adds to either mean varies as one.
    """
    X, y = np.asarray(rows, dtype=np.float64), np.asarray(labels).astype(bool)
    names = np.arange(len(X)) if groups is None else np.asarray(groups)
    apart, noise = np.zeros(X.shape[1]), np.zeros((int(np.unique(names).size), X.shape[1]))
    members = np.unique(names, return_inverse=True)[1]
    for side, sign in ((y, 1), (~y, -1)):
        mean, own = X[side].mean(axis=0), np.unique(members[side]).size
        apart += sign * mean
        # Counted from their own mean, own groups vary by (own - 1) / own of what they do.
        np.add.at(noise, members[side], sign * (X[side] - mean) / side.sum() * np.sqrt(own / max(own - 1, 1)))
    return float(np.sqrt(max(0.0, (apart**2).sum() - (noise**2).sum())))


def _by_group(rows: NDArray[np.float64], groups: ArrayLike | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum of each group's rows (g, d) and number of its rows (g,)."""
    members = np.arange(len(rows)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if members.shape != rows.shape[:1]:
        raise ValueError(f"groups {members.shape} and rows {rows.shape} must have the same length")
    n_groups = int(members.max()) + 1 if len(members) else 0
    if n_groups < 2:
        raise UserError("An interval needs at least two groups of rows; here all rows belong to one.")
    sums = np.zeros((n_groups, rows.shape[1]))
    np.add.at(sums, members, rows)
    return sums, np.bincount(members, minlength=n_groups).astype(np.float64)


def _draws(sizes: NDArray[np.float64], resamples: int, width: int, seed: int) -> list[NDArray[np.float64]]:
    """How often each group is drawn, (some resamples, g) at a time."""
    rng = np.random.default_rng(seed)
    chunk = max(1, _CELLS // max(len(sizes), width))
    starts = range(0, resamples, chunk)
    return [draw_counts(rng, min(chunk, resamples - at), len(sizes)).astype(np.float64) for at in starts]
