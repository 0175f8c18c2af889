"""Difference of means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from core.directions.finder import Finder, Parts
from core.directions.prepared import Prepared


@dataclass(frozen=True)
class DiffMean(Finder):
    """Mean of the positives minus mean of the negatives, in the raw activation space.

    The same vector is known as signal-CAV or pattern-CAV (Pahde et al. 2022, "Navigating Neural Space"), as
    FastCAV (Schmalwasser et al. 2025) and as mass-mean probe (Marks and Tegmark 2023, "The Geometry of Truth").
    """

    name: ClassVar[str] = "diffmean"
    title: ClassVar[str] = "Difference of means"
    help: ClassVar[str] = "Mean of the positives minus mean of the negatives: nothing to tune, a good push."

    def fit_many(self, rows: Prepared, labels: np.ndarray, *, seed: int = 0) -> np.ndarray:
        return contrast(labels) @ rows.centred  # centred: less is lost to rounding where the mean is far from 0

    def held_out(self, rows: Prepared, labels: np.ndarray, parts: Parts, *, seed: int = 0) -> np.ndarray:
        scores = np.full((1, len(labels)), np.nan)
        for train, test in parts:
            vector = contrast(labels[None, train])[0] @ rows.centred[train]
            scores[0, test] = (rows.centred[test] - rows.centred[train].mean(axis=0)) @ vector
        return scores


def contrast(labels: np.ndarray) -> np.ndarray:
    """Weights (p, n) that take the mean over the positives minus that over the negatives. labels: (p, n) boolean."""
    positives = labels.astype(np.float64)
    negatives = 1 - positives
    return positives / positives.sum(axis=1, keepdims=True) - negatives / negatives.sum(axis=1, keepdims=True)
