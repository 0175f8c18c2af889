"""Labels dealt anew: what a statistic would be if the labels had nothing to do with the rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_CELLS = 4_000_000  # random numbers held at once: 32 MB


def permuted_labels(
    labels: ArrayLike, groups: ArrayLike, permutations: int, *, seed: int = 0, within: ArrayLike | None = None
) -> NDArray[np.bool_]:
    """Labels under `permutations` random relabellings, (permutations, n).

    labels: (n,) of 0 and 1. groups: (n,) integers, rows that belong together. A group of one class keeps one label, and
    the groups of one class deal theirs among themselves; a group that holds both classes (a pair of a positive and its
    negative twin) deals its labels within itself. Groups of unequal size let the number of positives vary a little.
    within: (n,) strata; groups deal their labels only among those of their stratum, and no group may span two.

    Under the hypothesis that labels could have been dealt otherwise (Fisher 1935), the true labelling is one of these.
    """
    y = np.asarray(labels).astype(bool)
    _, first, members = np.unique(np.asarray(groups), return_index=True, return_inverse=True)
    strata = np.zeros(len(y), dtype=np.int64) if within is None else np.unique(within, return_inverse=True)[1]
    if not y.shape == members.shape == strata.shape or y.ndim != 1:
        raise ValueError(
            f"labels {y.shape}, groups {members.shape} and strata {strata.shape} must have the same length"
        )
    if (strata != strata[first][members]).any():
        raise ValueError("a group spans two strata")
    share = np.bincount(members, weights=y) / np.bincount(members)
    pure = (share == 0) | (share == 1)
    rng = np.random.default_rng(seed)
    found = np.empty((permutations, len(y)), dtype=bool)
    step = max(1, _CELLS // max(len(y), 1))
    for start in range(0, permutations, step):
        part = found[start : start + step]
        of_groups = np.tile(share == 1, (len(part), 1))
        for stratum in range(int(strata.max()) + 1):
            places = np.flatnonzero(pure & (strata[first] == stratum))
            of_groups[:, places] = of_groups[:, places][_rows(part), _orders(rng, len(part), len(places))]
        part[:] = of_groups[:, members]
        for group in np.flatnonzero(~pure):
            rows = np.flatnonzero(members == group)
            part[:, rows] = y[rows][_orders(rng, len(part), len(rows))]
    return found


def mean_differences(labels: NDArray[np.bool_], values: NDArray) -> NDArray[np.float64]:
    """Mean of the positives minus mean of the negatives under each labelling: a matrix product for each few of them.

    labels: (b, n). values: (n, k). Returns (b, k). Every labelling must hold both classes.
    """
    values = np.asarray(values, dtype=np.float64)
    counts = labels.sum(axis=1)[:, None]
    # As numbers, labellings take eight times the room: never all of them at once.
    step = max(1, _CELLS // max(labels.shape[1], 1))
    parts = [labels[start : start + step].astype(np.float64) @ values for start in range(0, len(labels), step)]
    of_positives = np.concatenate(parts) if parts else np.zeros((0, values.shape[1]))
    return of_positives / counts - (values.sum(axis=0) - of_positives) / (labels.shape[1] - counts)


def p_value(observed: ArrayLike, null: ArrayLike) -> NDArray[np.float64]:
    """(1 + how many of the null are at least as large) / (1 + their number), from 1/(1 + b) to 1.

    observed: (...), null: (b, ...), of a statistic that is large where there is something to find. Counting the
    observed one keeps the level exact (Phipson and Smyth 2010). Values that differ by rounding alone count as equal.
    """
    observed, null = np.asarray(observed, dtype=np.float64), np.asarray(null, dtype=np.float64)
    margin = 1e-9 * np.maximum(np.abs(observed), np.abs(null).max(axis=0, initial=0.0))
    return (1.0 + (null >= observed - margin).sum(axis=0)) / (1.0 + len(null))


def _orders(rng: np.random.Generator, times: int, size: int) -> NDArray[np.intp]:
    """`times` random orders of range(size): (times, size)."""
    return np.argsort(rng.random((times, size)), axis=1)


def _rows(part: NDArray) -> NDArray[np.intp]:
    return np.arange(len(part))[:, None]
