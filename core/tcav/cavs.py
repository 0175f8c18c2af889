"""Concept activation vectors: the ways to find one, alone or under a thousand relabellings at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.directions import Logistic
from core.directions.prepared import Prepared
from core.directions.threads import one_blas_thread
from core.errors import UserError
from core.stats.permutation import mean_differences
from core.tcav.covariance import Metric

Many = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class CavKind:
    """A way to find a CAV.

    many: takes X (n, d) and boolean labels (b, n) and returns the raw vectors (b, d); None where the CAV is a metric
    times the difference of means, so that a permutation test is one matrix product. whitened: the metric is that of
    the site's ordinary activations, not the plain one.
    """

    name: str
    title: str
    help: str
    many: Many | None = None
    whitened: bool = False


def _logistic(X: np.ndarray, labels: np.ndarray) -> np.ndarray:
    # One penalty for all: choosing it anew under every permutation would cost minutes and change little.
    return Logistic(c=1e-2).fit_many(Prepared(X, np.arange(len(X))), labels)


def _svm(X: np.ndarray, labels: np.ndarray) -> np.ndarray:
    from sklearn.svm import LinearSVC

    # In units of the rows' spread, so that C = 1 means the same at every site.
    scale = float(np.sqrt(X.var(axis=0).sum())) or 1.0
    Z = (X - X.mean(axis=0)) / scale
    machine = LinearSVC(C=1.0, dual=True, max_iter=5000, tol=1e-3, random_state=0)
    return np.stack([machine.fit(Z, y).coef_[0] for y in labels]) / scale


KINDS: dict[str, CavKind] = {
    kind.name: kind
    for kind in (
        CavKind(
            "diffmean",
            "Difference of means",
            "Mean of the concept minus mean of the negatives (signal or pattern CAV, FastCAV).",
        ),
        CavKind(
            "lda",
            "Shrinkage LDA",
            "The same, turned away from where ordinary activations vary most.",
            whitened=True,
        ),
        CavKind("logistic", "Logistic regression", "L2-logistic weights, penalty fixed (C 0.01).", _logistic),
        CavKind("svm", "Linear SVM", "Weights of a linear support vector machine (C 1).", _svm),
    )
}
DEFAULT_KINDS = ("diffmean", "lda")


def kind_named(name: str) -> CavKind:
    """The kind called `name`. Raises UserError if there is none."""
    if name not in KINDS:
        raise UserError(f"There is no kind of CAV called {name!r}; there are {', '.join(KINDS)}.")
    return KINDS[name]


@one_blas_thread()
def raw_cavs(kind: CavKind, X: np.ndarray, labels: np.ndarray, metric: Metric) -> np.ndarray:
    """The unscaled CAV under each labelling: (b, d), pointing to the positives.

    X: (n, d). labels: boolean (b, n). metric: of the site, used by the kinds that are whitened.
    """
    if kind.many is None:
        means = mean_differences(labels, X)
        return metric.times(means) if kind.whitened else means
    return kind.many(X, labels)


def derivatives_under(
    kind: CavKind, X: np.ndarray, labels: np.ndarray, metric: Metric, gradients: np.ndarray
) -> np.ndarray:
    """`raw_cavs(...) @ gradients.T`, (b, q), for gradients (q, d).

    Where the CAV is linear in the rows, each row's share is worked out first: the sum over a labelling is then that
    of numbers, not of vectors.
    """
    if kind.many is None:
        turned = metric.times(gradients) if kind.whitened else gradients
        return mean_differences(labels, X @ turned.T)
    return raw_cavs(kind, X, labels, metric) @ gradients.T


def outside(vectors: np.ndarray, taken: np.ndarray | None) -> np.ndarray:
    """Rows (..., d) without their part along the orthonormal `taken` (r, d); of a row that lies within it, zeros."""
    if taken is None or not len(taken):
        return vectors
    left = vectors - (vectors @ taken.T) @ taken
    lengths, whole = np.linalg.norm(left, axis=-1, keepdims=True), np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.where(lengths > 1e-9 * whole, left, 0.0)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Each row (..., d) scaled to length 1; a row of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors, dtype=np.float64), where=lengths > 0)
