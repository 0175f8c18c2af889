"""Activations made ready once, for every fit on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError
from core.examples import folds

Array = NDArray[np.float64]
Parts = Sequence[tuple[np.ndarray, np.ndarray]]  # training and test rows of each fold


@dataclass(frozen=True, eq=False)
class Basis:
    """Standardised rows in coordinates in which they are uncorrelated: Z = features @ axes, axes orthonormal.

    features: (n, r), r <= min(n, d), with features.T @ features = diag(variances * n). variances: (r,), above 0, in
    ascending order; they add up to the number of dimensions that vary. axes: (r, d). Any fit that is penalised by the
    length of its weights is the same in these coordinates, where all penalties and label vectors share one
    eigendecomposition and r is never more than the number of rows.
    """

    features: Array
    variances: Array
    axes: Array


@dataclass(frozen=True, eq=False)
class Prepared:
    """Rows of activations with what several fits need of them, each computed when first asked for.

    X: (n, d) float64, finite. groups: (n,) integers, rows that belong together.
    """

    X: Array
    groups: NDArray[np.int64]

    @cached_property
    def mean(self) -> Array:
        """(d,)"""
        return self.X.mean(axis=0)

    @cached_property
    def centred(self) -> Array:
        """(n, d)"""
        return self.X - self.mean

    @cached_property
    def scale(self) -> Array:
        """Standard deviation of each dimension, (d,); infinite for a dimension that does not vary.

        Such a dimension says nothing about labels; without this it would be divided by rounding noise.
        """
        deviation = self.X.std(axis=0)
        return np.where(deviation > 1e-6 * np.abs(self.mean), deviation, np.inf)

    @cached_property
    def basis(self) -> Basis:
        Z = self.centred / self.scale
        n, d = Z.shape
        values, vectors = np.linalg.eigh(Z @ Z.T if n <= d else Z.T @ Z)
        # Eigenvalues of rounding noise: centred rows are never of full rank.
        kept = values > max(n, d) * np.finfo(np.float64).eps * max(float(values[-1]), np.finfo(np.float64).tiny)
        values, vectors = values[kept], vectors[:, kept]
        roots = np.sqrt(values)
        if n <= d:
            return Basis(vectors * roots, values / n, (vectors / roots).T @ Z)
        return Basis(Z @ vectors, values / n, vectors.T)

    def folds(self, labels: NDArray[np.bool_], k: int, seed: int) -> Parts:
        """`inner_folds` of these rows; the same ones for every method that asks."""
        key = (labels.tobytes(), k, seed)
        if key not in self._folds:
            self._folds[key] = inner_folds(labels, self.groups, k=k, seed=seed)
        return self._folds[key]

    @cached_property
    def _folds(self) -> dict[tuple[bytes, int, int], Parts]:
        return {}

    def raw(self, weights: Array) -> Array:
        """Vectors (p, d) in raw activation space from weights (p, r) on the basis's features."""
        return (weights @ self.basis.axes) / self.scale


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
