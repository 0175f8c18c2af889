"""The area under the ROC curve: how often a positive outranks a negative."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import UserError


def auroc(labels: ArrayLike, scores: ArrayLike) -> float:
    """The share of (positive, negative) pairs in which the positive scores higher; a tie counts a half.

    labels: (n,) of 0 and 1, both present. scores: (n,) real, infinities allowed, NaN refused.
    Range 0 to 1, chance 0.5. Equal to the Mann-Whitney U statistic over the number of pairs (Hanley and
    McNeil 1982); counted in integers, so that only the last division rounds.
    """
    positives, negatives = by_class(labels, scores)
    below, not_above = rank_among(positives, np.sort(negatives))
    return int(below.sum() + not_above.sum()) / (2 * len(positives) * len(negatives))


def rank_among(positives: NDArray[np.float64], sorted_negatives: NDArray[np.float64]) -> tuple[NDArray, NDArray]:
    """For each positive: how many negatives lie below it, and how many do not lie above it. Two (p,) integers."""
    return (
        np.searchsorted(sorted_negatives, positives, side="left"),
        np.searchsorted(sorted_negatives, positives, side="right"),
    )


def by_class(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The scores of the positives and those of the negatives, after `checked`."""
    y, s = checked(labels, scores)
    return s[y], s[~y]


def checked(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """labels as (n,) booleans and scores as (n,) float64, or a sentence about what is wrong with them."""
    y, s = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if y.ndim != 1 or y.shape != s.shape:
        raise ValueError(f"labels {y.shape} and scores {s.shape} must be two lists of the same length")
    if not np.isin(y, (0, 1)).all():
        raise ValueError("labels must be 0 or 1")
    bad = np.flatnonzero(np.isnan(s))
    if len(bad):
        raise UserError(
            f"{len(bad)} of {len(s)} scores are not a number (the first in row {bad[0]}); leave those rows out,"
            " or record the activations in float32."
        )
    y = y.astype(bool)
    if y.all() or not y.any():
        raise UserError(f"All {len(y)} rows are of one class; AUROC needs positives and negatives.")
    return y, s
