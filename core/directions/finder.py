"""What every finder of directions is: labelled activations in, one raw vector out."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from core.errors import UserError
from core.examples import folds
from core.stats import auroc


@dataclass(frozen=True)
class Settled:
    """A finder with nothing left to choose, and how well it does without looking ahead.

    cv_auroc: AUROC, 0-1, mean over cross-validation folds; None where the rows are too few to be folded.
    """

    finder: Finder
    cv_auroc: float | None


@dataclass(frozen=True)
class Finder(ABC):
    """A way to find the direction of a concept. Subclasses are frozen dataclasses of `parameter` fields.

    `name` is its word in files, on pages and on the command line; `title` and `help` are for people.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str]
    version: ClassVar[int] = 1  # raised when the numbers change: part of the key of every stored result

    @abstractmethod
    def fit(self, X: np.ndarray, y: np.ndarray, *, groups: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
        """The raw vector, float64 (d,), unscaled, pointing to the positives: `X @ vector` is higher for them.

        X: (n, d), finite. y: (n,), 1 for positives, 0 for negatives. groups: (n,), rows of one group are never
        on both sides of a split; None takes every row for itself.
        """

    def settle(self, X: np.ndarray, y: np.ndarray, *, groups: np.ndarray | None = None, seed: int = 0) -> Settled:
        """Choose what is to be chosen by cross-validation within these rows, and say how well that reads."""
        scores = []
        for train, test in inner_folds(y, groups, k=5, seed=seed):
            kept = None if groups is None else groups[train]
            vector = self.fit(X[train], y[train], groups=kept, seed=seed)
            scores.append(auroc(y[test], X[test] @ vector))
        return Settled(self, float(np.mean(scores)) if scores else None)

    def to_json(self) -> dict[str, Any]:
        """Name, version and parameters, as they enter manifests and cache keys."""
        return {"method": self.name, "version": self.version, "parameters": dataclasses.asdict(self)}

    def replaced(self, **values: Any) -> Self:
        """This finder with some parameters replaced, unchecked (see `with_parameters` for users' values)."""
        return dataclasses.replace(self, **values)


def checked_rows(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """X (n, d) as float64 and y (n,) as bool, or UserError if a finder could not work with them."""
    X, y = np.asarray(X, dtype=np.float64), np.asarray(y)
    if X.ndim != 2 or y.shape != X.shape[:1]:
        raise ValueError(f"activations {X.shape} and labels {y.shape} do not belong together")
    if not np.isfinite(X).all():
        raise ValueError("activations hold NaN or infinite values; leave those rows out first")
    positives = y == 1
    if not positives.any() or positives.all():
        which = "negatives" if positives.any() else "positives"
        raise UserError(f"The examples hold no {which} that can be read: a direction needs both classes.")
    return X, positives


def inner_folds(y: np.ndarray, groups: np.ndarray | None, *, k: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Grouped stratified folds with both classes on both sides; fewer or none where the rows are too few."""
    if groups is None:
        groups = np.arange(len(y))
    smaller = min(len(np.unique(groups[y == label])) for label in (0, 1))
    for possible in range(min(k, smaller), 1, -1):
        try:
            return folds(y, groups, k=possible, seed=seed)
        except UserError:
            continue  # a few large groups hold most rows: fewer folds may still be had
    return []
