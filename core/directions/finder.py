"""What every finder of directions is: labelled activations in, one raw vector out."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from core.directions.labelled import find_labelled
from core.directions.method import Found, Method, Reading
from core.directions.prepared import Parts, Prepared
from core.directions.prepared import inner_folds as inner_folds
from core.directions.threads import one_blas_thread
from core.errors import UserError
from core.examples import Examples
from core.progress import Listener, silent
from core.stats import aurocs

if TYPE_CHECKING:
    from core.models import Model, Site

FOLDS = 5


@dataclass(frozen=True)
class Settled:
    """A finder with nothing left to choose, and how well it does without looking ahead.

    cv_auroc: AUROC, 0-1, mean over cross-validation folds; None where the rows are too few to be folded.
    scores: (n,) of each row along the vector of the fold that it was not in, counted from the mean of the rows fitted
    on; None with cv_auroc.
    """

    finder: Finder
    cv_auroc: float | None
    scores: np.ndarray | None = dataclasses.field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Finder(Method):
    """A method that takes labelled activations. Subclasses are frozen dataclasses of `parameter` fields."""

    made_from: ClassVar[str] = "examples"

    @abstractmethod
    def fit_many(self, rows: Prepared, labels: np.ndarray, *, seed: int = 0) -> np.ndarray:
        """The raw vector of each of many label vectors on the same rows, (p, d) float64, nothing left to choose.

        labels: (p, n) boolean, both classes in each. Many at once cost little more than one.
        """

    @abstractmethod
    def held_out(self, rows: Prepared, labels: np.ndarray, parts: Parts, *, seed: int = 0) -> np.ndarray:
        """Scores of each row by the fold that it was not in, one line per finder of `grid()`: (settings, n).

        labels: (n,) boolean. parts: (training, test) rows of each fold. A score is counted from the mean of the rows
        fitted on. What knows no labels (scaling) may be taken from all rows.
        """

    def grid(self) -> Sequence[Self]:
        """The settings that cross-validation chooses among, of equals the first; itself where there is no choice."""
        return (self,)

    def fallback(self) -> Self:
        """The settings to use where the rows are too few to choose."""
        return self

    @one_blas_thread()
    def fit(self, X: np.ndarray, y: np.ndarray, *, groups: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
        """The raw vector, float64 (d,), unscaled, pointing to the positives: `X @ vector` is higher for them.

        X: (n, d), finite. y: (n,), 1 for positives, 0 for negatives. groups: (n,), rows of one group are never
        on both sides of a split; None takes every row for itself. Settings that are left to choose are chosen here.
        """
        rows, positives = prepared(X, y, groups)
        return self.settle_on(rows, positives, seed=seed).finder.fit_many(rows, positives[None], seed=seed)[0]

    @one_blas_thread()
    def settle(self, X: np.ndarray, y: np.ndarray, *, groups: np.ndarray | None = None, seed: int = 0) -> Settled:
        """Choose what is to be chosen by cross-validation within these rows, and say how well that reads."""
        rows, positives = prepared(X, y, groups)
        return self.settle_on(rows, positives, seed=seed, measure=True)

    def settle_on(self, rows: Prepared, labels: np.ndarray, *, seed: int = 0, measure: bool = False) -> Settled:
        """`settle` on rows that are ready. measure: cross-validate also where there is nothing to choose."""
        grid = self.grid()
        if len(grid) == 1 and not measure:
            return Settled(grid[0], None)
        parts = rows.folds(labels, self.n_folds, seed)
        if not parts:
            return Settled(self.fallback(), None)
        scores = self.held_out(rows, labels, parts, seed=seed)
        means = np.mean([aurocs(labels[test], scores[:, test]) for _, test in parts], axis=0)
        best = int(np.argmax(means))  # the first of equals
        return Settled(grid[best], float(means[best]), scores[best])

    @property
    def n_folds(self) -> int:
        """Folds of the cross-validation within the rows fitted on."""
        return FOLDS

    def find(
        self,
        model: Model,
        source: Examples,
        site: Site,
        reading: Reading,
        *,
        seed: int = 0,
        progress: Listener = silent,
    ) -> Found:
        """The direction of labelled examples, and how it reads those that are held out (see labelled.py)."""
        return find_labelled(self, model, source, site, reading, seed, progress)


def prepared(X: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> tuple[Prepared, np.ndarray]:
    """Rows made ready and labels (n,) as booleans, or an error if a finder could not work with them."""
    X, positives = checked_rows(X, y)
    return Prepared(X, np.arange(len(X)) if groups is None else np.asarray(groups)), positives


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
