"""L2-regularised logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from core.directions.finder import FOLDS, Finder, Parts
from core.directions.logistic_fit import fit_weights
from core.directions.parameters import parameter
from core.directions.prepared import Prepared

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
FALLBACK = 1e-2  # where the rows are too few to be folded


@dataclass(frozen=True)
class Logistic(Finder):
    """Weights of an L2-regularised logistic regression (the CAV of Kim et al. 2018, "TCAV", with a chosen penalty).

    Each dimension is standardised with the mean and standard deviation of the rows fitted on, so that the few
    dimensions of huge variance in a residual stream do not escape the penalty. The vector returned is
    `weights / standard deviation`: the gradient of the logit with respect to the raw activation, so that
    `X @ vector` equals the logit up to a constant. It tells how to *read* the concept; it is not the shift
    between the classes (that is `diffmean`).

    C is scikit-learn's: the inverse of the penalty, on the sum of the losses over rows. Among those with the
    highest mean AUROC over folds the smallest (the strongest penalty) is taken. The folds share the standardisation,
    which knows no labels, as in a pipeline of StandardScaler and LogisticRegressionCV.
    """

    name: ClassVar[str] = "logistic"
    title: ClassVar[str] = "Logistic regression"
    help: ClassVar[str] = "L2-regularised logistic regression on standardised activations: reads best."
    version: ClassVar[int] = 2

    c: float = parameter(0.0, 0.0, 1000.0, "Inverse strength of the L2 penalty; 0 chooses it by cross-validation.")
    folds: int = parameter(FOLDS, 2, 10, "Folds of the cross-validation that chooses the penalty.")

    def grid(self) -> Sequence[Self]:
        return (self,) if self.c else tuple(self.replaced(c=c) for c in STRENGTHS)

    def fallback(self) -> Self:
        return self if self.c else self.replaced(c=FALLBACK)

    @property
    def n_folds(self) -> int:
        return self.folds

    def fit_many(self, rows: Prepared, labels: np.ndarray, *, seed: int = 0) -> np.ndarray:
        if not self.c:
            raise ValueError("the penalty is not chosen yet: settle first")
        basis = rows.basis
        used, c = np.ones_like(labels), np.full(len(labels), self.c)
        return rows.raw(fit_weights(basis.features, basis.variances, labels, used, c))

    def held_out(self, rows: Prepared, labels: np.ndarray, parts: Parts, *, seed: int = 0) -> np.ndarray:
        basis, grid, n = rows.basis, self.grid(), len(labels)
        used = np.zeros((len(parts), n), dtype=bool)
        for line, (train, _) in zip(used, parts, strict=True):
            line[train] = True
        c = np.repeat([one.c for one in grid], len(parts))
        repeated = np.tile(used, (len(grid), 1))
        tiled = np.tile(labels, (len(c), 1))
        weights = fit_weights(basis.features, basis.variances, tiled, repeated, c)
        logits = (weights @ basis.features.T).reshape(len(grid), len(parts), n)
        scores = np.full((len(grid), n), np.nan)
        for fold, (train, test) in enumerate(parts):
            scores[:, test] = logits[:, fold, test] - logits[:, fold, train].mean(axis=1, keepdims=True)
        return scores
