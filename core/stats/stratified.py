"""AUROC of scores that can be compared within strata alone: folds, of which each has a direction of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError
from core.stats.bca import perfect_bound
from core.stats.bootstrap import members_of, over_resamples, resampled_aurocs
from core.stats.columns import aurocs


def stratified_aurocs(labels: NDArray[np.bool_], scores: NDArray, strata: NDArray) -> NDArray[np.float64]:
    """Share of the (positive, negative) pairs within a stratum that each line orders rightly, ties by half: (p,).

    labels, scores: (p, n). strata: (n,). A stratum of one class holds no pair and does not count.
    """
    wins, pairs = np.zeros(len(labels)), np.zeros(len(labels))
    for stratum in np.unique(strata):
        rows = strata == stratum
        positives = labels[:, rows].sum(axis=1)
        of = positives * (rows.sum() - positives)
        both = of > 0
        if both.any():
            wins[both] += aurocs(labels[both][:, rows], scores[both][:, rows]) * of[both]
            pairs += of
    if not pairs.all():
        raise UserError("No fold holds both classes; AUROC needs positives and negatives side by side.")
    return wins / pairs


def stratified_interval(
    labels: NDArray[np.bool_],
    scores: NDArray,
    strata: NDArray,
    *,
    groups: NDArray,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of one line's stratified AUROC, whole groups drawn with replacement; all are (n,).

    The directions behind the scores are not fitted anew, so that the interval is that of these directions on other
    rows of the same kind. Where every pair is ordered rightly so it is in every resample, and the lower end is
    `perfect_bound` instead; where none is, the upper end accordingly.
    """
    parts = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    parts = [rows for rows in parts if 0 < labels[rows].sum() < len(rows)]

    def measure(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        wins, pairs = np.zeros(weights.shape[1]), np.zeros(weights.shape[1])
        for rows in parts:
            y, drawn = labels[rows], weights[rows]
            of = drawn[y].sum(axis=0) * drawn[~y].sum(axis=0)
            wins += np.where(of > 0, resampled_aurocs(y, scores[rows], drawn), 0.0) * of
            pairs += of
        return np.divide(wins, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)[None]

    value = float(measure(np.ones((len(labels), 1)))[0, 0])
    if value in (0.0, 1.0):
        rows, members = np.concatenate(parts), members_of(len(labels), groups)
        positives, negatives = (len(np.unique(members[rows][labels[rows] == label])) for label in (True, False))
        bound = perfect_bound(positives, negatives, level, strata=len(parts))
        return (bound, 1.0) if value else (0.0, 1 - bound)
    values = over_resamples(measure, len(labels), groups=groups, resamples=resamples, seed=seed)[0]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
