"""Ridge regression on the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from core.directions.finder import FOLDS, Finder, Parts
from core.directions.parameters import parameter
from core.directions.prepared import Basis, Prepared

PENALTIES = (1e3, 1e2, 1e1, 1.0, 1e-1, 1e-2, 1e-3)  # the strongest first
FALLBACK = 1.0  # where the rows are too few to be folded


@dataclass(frozen=True)
class Ridge(Finder):
    """Weights of a least-squares regression of the labels (1 and 0) with an L2 penalty (Hoerl and Kennard 1970).

    Minimises mean((label - b - w.z)^2) + penalty * |w|^2 over standardised dimensions z, whose average variance is 1:
    the penalty counts in units of that variance (a trace-scaled ridge). scikit-learn's alpha is penalty * n. The
    vector returned is `w / standard deviation`, in label units per unit of activation.

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
        basis = rows.basis
        y = labels - labels.mean(axis=1, keepdims=True)
        return rows.raw(y @ basis.features / len(basis.features) / (basis.variances + self.penalty))

    def held_out(self, rows: Prepared, labels: np.ndarray, parts: Parts, *, seed: int = 0) -> np.ndarray:
        y = labels.astype(np.float64)
        return np.stack([_left_out(rows.basis, y, parts, one.penalty) for one in self.grid()])


def _left_out(basis: Basis, y: np.ndarray, parts: Parts, penalty: float) -> np.ndarray:
    """What each fold's fit says of the rows that it was not fitted on, (n,), without fitting it.

    With the hat matrix H of all rows the residuals of left-out rows T are (I - H[T, T])^-1 (y - H y)[T], exactly
    (the block form of the leave-one-out identity, Cook and Weisberg 1982). The fold's penalty is that of its own number
    of rows. Counted from the mean of the labels fitted on, which is what a fold's fit says of the mean of its rows.
    """
    scores = np.full(len(y), np.nan)
    n = len(y)
    for train, test in parts:
        shrunk = basis.features * (1 / (basis.variances * n + penalty * len(train)))
        hat = shrunk[test] @ basis.features[test].T + 1 / n
        residuals = y[test] - shrunk[test] @ (basis.features.T @ y) - y.mean()
        left_out = np.linalg.solve(np.eye(len(test)) - hat, residuals)
        scores[test] = y[test] - left_out - y[train].mean()
    return scores
