"""L2-regularised logistic regression."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from core.directions.finder import Finder, Settled, checked_rows, inner_folds
from core.directions.parameters import parameter
from core.directions.threads import one_blas_thread
from core.stats import auroc

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
    highest mean AUROC over folds the smallest (the strongest penalty) is taken.
    """

    name: ClassVar[str] = "logistic"
    title: ClassVar[str] = "Logistic regression"
    help: ClassVar[str] = "L2-regularised logistic regression on standardised activations: reads best."

    c: float = parameter(0.0, 0.0, 1000.0, "Inverse strength of the L2 penalty; 0 chooses it by cross-validation.")
    folds: int = parameter(5, 2, 10, "Folds of the cross-validation that chooses the penalty.")

    @one_blas_thread()
    def fit(self, X: np.ndarray, y: np.ndarray, *, groups: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
        X, positives = checked_rows(X, y)
        if self.c == 0:
            settled = self.settle(X, y, groups=groups, seed=seed).finder
            return settled.fit(X, y, groups=groups, seed=seed)
        return _path(X, positives, (self.c,))[0]

    @one_blas_thread()
    def settle(self, X: np.ndarray, y: np.ndarray, *, groups: np.ndarray | None = None, seed: int = 0) -> Settled:
        X, positives = checked_rows(X, y)
        strengths = (self.c,) if self.c else STRENGTHS
        scores = []
        for train, test in inner_folds(y, groups, k=self.folds, seed=seed):
            vectors = _path(X[train], positives[train], strengths)
            scores.append([auroc(y[test], X[test] @ vector) for vector in vectors])
        if not scores:
            return Settled(self.replaced(c=self.c or FALLBACK), None)
        means = np.mean(scores, axis=0)
        best = int(np.argmax(means))  # the first of equals: the strongest penalty
        return Settled(self.replaced(c=strengths[best]), float(means[best]))


def _path(X: np.ndarray, positives: np.ndarray, strengths: tuple[float, ...]) -> list[np.ndarray]:
    """A vector (d,) in raw activation space for each C, each fit starting from the one before."""
    mean, deviation = X.mean(axis=0), X.std(axis=0)
    # A dimension that does not vary says nothing about the labels; without this it would be divided by rounding noise.
    varies = deviation > 1e-6 * np.abs(mean)
    scale = np.where(varies, deviation, np.inf)
    # float32 halves the time of the matrix products; a test holds the scores to a float64 fit.
    Z = ((X - mean) / scale).astype(np.float32)
    regression = LogisticRegression(solver="lbfgs", tol=1e-3, max_iter=300, warm_start=True)
    vectors = []
    for c in strengths:
        with warnings.catch_warnings():
            # Rows that a weak penalty separates have no finite optimum in reach; their order is settled long before.
            warnings.simplefilter("ignore", ConvergenceWarning)
            regression.set_params(C=c).fit(Z, positives)
        vectors.append(regression.coef_[0].astype(np.float64) / scale)
    return vectors
