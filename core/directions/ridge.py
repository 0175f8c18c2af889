"""Ridge regression on the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from core.directions.finder import FOLDS, Finder, Parts
from core.directions.parameters import parameter
from core.directions.prepared import Prepared
from core.directions.scatter import Scatter

PENALTIES = (1e3, 1e2, 1e1, 1.0, 1e-1, 1e-2, 1e-3)  # the strongest first
FALLBACK = 1.0  # where the rows are too few to be folded


@dataclass(frozen=True)
class Ridge(Finder):
    """Weights of a least-squares regression of the labels (1 and 0) with an L2 penalty (Hoerl and Kennard 1970).

    Minimises mean((label - b - w.z)^2) + penalty * |w|^2 over standardised dimensions z, whose average variance is 1:
    the penalty counts in units of that variance (a trace-scaled ridge). scikit-learn's alpha is penalty * n. The
    vector returned is `w / standard deviation`, in label units per unit of activation. The folds share the
    standardisation, which knows no labels.

    For two classes this is, but for its length, the direction of a discriminant analysis whose within-class covariance
    is enlarged by penalty * I (Hastie, Tibshirani and Friedman 2009, exercise 4.2): `lda` reckons the amount from the
    rows' fourth moments, ridge chooses it by AUROC.
    """

    name: ClassVar[str] = "ridge"
    title: ClassVar[str] = "Ridge regression"
    help: ClassVar[str] = "Least squares on the labels with an L2 penalty: near logistic regression, in closed form."

    penalty: float = parameter(0.0, 0.0, 1e6, "L2 penalty in units of the average variance; 0 chooses it by folds.")
    folds: int = parameter(FOLDS, 2, 10, "Folds of the cross-validation that chooses the penalty.")

    def grid(self) -> Sequence[Self]:
        return (self,) if self.penalty else tuple(self.replaced(penalty=penalty) for penalty in PENALTIES)

    def fallback(self) -> Self:
        return self if self.penalty else self.replaced(penalty=FALLBACK)

    @property
    def n_folds(self) -> int:
        return self.folds

    def fit_many(self, rows: Prepared, labels: np.ndarray, *, seed: int = 0) -> np.ndarray:
        if not self.penalty:
            raise ValueError("the penalty is not chosen yet: settle first")
        return rows.raw(_weights(rows, labels, Scatter(rows.basis), self.penalty))

    def held_out(self, rows: Prepared, labels: np.ndarray, parts: Parts, *, seed: int = 0) -> np.ndarray:
        grid = self.grid()
        scores = np.full((len(grid), len(labels)), np.nan)
        for train, test in parts:
            scatter = Scatter(rows.basis, test)
            y = np.zeros(len(labels))
            y[train] = labels[train] - labels[train].mean()
            right = y[None] @ rows.basis.features
            for line, one in zip(scores, grid, strict=True):
                line[test] = scatter.held_out(scatter.solve(right, one.penalty * scatter.n))[0]
        return scores


def _weights(rows: Prepared, labels: np.ndarray, scatter: Scatter, penalty: float) -> np.ndarray:
    """Weights (p, r) on the features of all rows. labels: (p, n)."""
    y = labels - labels.mean(axis=1, keepdims=True)
    return scatter.solve(y @ rows.basis.features, penalty * scatter.n)
