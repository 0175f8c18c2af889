"""The shape of ordinary activations at a site, from unlabelled rows, and what it does to a direction."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

# The ridge in units of the mean variance per dimension; see docs/tcav.md for how it was chosen.
RIDGE = 10.0


@dataclass(frozen=True, eq=False)
class Metric:
    """The inverse of a covariance plus a ridge: `(C + ridge * trace(C)/d * I)^-1`, kept by its eigenvectors.

    vectors: (d, r) orthonormal. factors: (r,) the inverse's eigenvalues along them. outside: its eigenvalue along
    everything else, where the rows did not vary. Scaled so that the largest is 1, which no direction's angle feels.
    """

    vectors: np.ndarray
    factors: np.ndarray
    outside: float

    def times(self, directions: np.ndarray) -> np.ndarray:
        """The metric times each row: (..., d) to (..., d)."""
        parts = directions @ self.vectors
        return self.outside * directions + (parts * (self.factors - self.outside)) @ self.vectors.T

    @cached_property
    def is_identity(self) -> bool:
        return self.vectors.shape[1] == 0


def identity(d: int) -> Metric:
    """The metric that leaves every direction alone: with it a CAV is the difference of means."""
    return Metric(np.zeros((d, 0)), np.zeros(0), 1.0)


def inverse_covariance(rows: np.ndarray, ridge: float = RIDGE) -> Metric:
    """From reference rows (n, d), finite; the covariance is total, since nobody labelled them.

    With it a CAV is a shrinkage LDA (Fisher 1936; the ridge as in Friedman 1989, "Regularized discriminant analysis",
    equation 18) whose covariance owes nothing to the labels: a permutation of labels leaves it alone.
    """
    rows = np.asarray(rows, dtype=np.float64)
    n, d = rows.shape
    centred = rows - rows.mean(axis=0)
    if n - 1 >= d:
        variances, vectors = np.linalg.eigh(centred.T @ centred / (n - 1))
    else:
        # Fewer rows than dimensions: the same eigenvectors from the smaller matrix of inner products.
        variances, duals = np.linalg.eigh(centred @ centred.T / (n - 1))
        real = variances > 1e-10 * variances[-1]
        variances, duals = variances[real], duals[:, real]
        vectors = centred.T @ duals / np.sqrt(variances * (n - 1))
    variances = np.maximum(variances, 0.0)
    added = ridge * variances.sum() / d
    if not added > 0:
        return identity(d)
    return Metric(vectors, added / (variances + added), 1.0)
