"""Many AUROCs and their intervals at once: one sort, and one set of resamples, for all lines of a matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import UserError
from core.stats.auroc import auroc


def aurocs(labels: ArrayLike, scores: ArrayLike) -> NDArray[np.float64]:
    """`auroc` of each line: (p,). scores: (p, n) finite. labels: (p, n), or (n,) for all lines; both classes in each.

    Exact: ranks are counted in halves, as integers, and divided once.
    """
    s = np.asarray(scores, dtype=np.float64)
    y = np.broadcast_to(np.asarray(labels), s.shape).astype(bool)
    if not np.isfinite(s).all():
        # Sorting would place them somewhere; one by one each gets its sentence.
        return np.array([auroc(one, line) for one, line in zip(y, s, strict=True)])
    positives = y.sum(axis=1)
    negatives = s.shape[1] - positives
    if not (positives.all() and negatives.all()):
        raise UserError(f"All {s.shape[1]} rows are of one class; AUROC needs positives and negatives.")
    order = np.argsort(s, axis=1, kind="stable")
    ordered, labelled = np.take_along_axis(s, order, axis=1), np.take_along_axis(y, order, axis=1)
    twice = _twice_ranks(ordered)
    wins = np.sum(np.where(labelled, twice, 0), axis=1) - positives * (positives + 1)
    return wins / (2 * positives * negatives)


def _twice_ranks(ordered: NDArray[np.float64]) -> NDArray[np.int64]:
    """Twice the rank, counted from 1, of each entry of sorted lines (p, n); equals share their mean rank."""
    n = ordered.shape[1]
    places = np.arange(n)
    fresh = np.ones(ordered.shape, dtype=bool)
    fresh[:, 1:] = ordered[:, 1:] > ordered[:, :-1]
    if fresh.all():
        return np.broadcast_to(2 * places + 2, ordered.shape)
    first = np.maximum.accumulate(np.where(fresh, places, 0), axis=1)
    last_of = np.ones(ordered.shape, dtype=bool)
    last_of[:, :-1] = fresh[:, 1:]
    last = np.minimum.accumulate(np.where(last_of, places, n)[:, ::-1], axis=1)[:, ::-1]
    return first + last + 2
