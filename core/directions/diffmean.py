"""Difference of means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from core.directions.finder import Finder, checked_rows


@dataclass(frozen=True)
class DiffMean(Finder):
    """Mean of the positives minus mean of the negatives, in the raw activation space.

    The same vector is known as signal-CAV or pattern-CAV (Pahde et al. 2022, "Navigating Neural Space"), as
    FastCAV (Schmalwasser et al. 2025) and as mass-mean probe (Marks and Tegmark 2023, "The Geometry of Truth").
    """

    name: ClassVar[str] = "diffmean"
    title: ClassVar[str] = "Difference of means"
    help: ClassVar[str] = "Mean of the positives minus mean of the negatives: nothing to tune, a good push."

    def fit(self, X: np.ndarray, y: np.ndarray, *, groups: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
        X, positives = checked_rows(X, y)
        return X[positives].mean(axis=0) - X[~positives].mean(axis=0)
