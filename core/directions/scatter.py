"""The scatter matrix of some of a basis's rows about their mean, without ever making it."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from core.directions.prepared import Array, Basis


class Scatter:
    """Sum over rows of (f - mean)(f - mean)' of the features f (n, r), or of those that are not left out.

    All rows together have a diagonal scatter, L. Leaving rows out takes G' G away from it, where G (m + 1, r) holds
    the rows left out and one row for the mean that has moved. So whatever is asked costs a product with G, and a solve
    is one of m + 1 unknowns (Woodbury 1950) instead of r.

    n: rows that count. mean: theirs, (r,). trace: of the matrix.
    """

    def __init__(self, basis: Basis, left_out: np.ndarray | None = None) -> None:
        """left_out: row numbers."""
        total = len(basis.features)
        self.left_out = basis.features[:0] if left_out is None else basis.features[left_out]
        self.n = total - len(self.left_out)
        self.diagonal = basis.variances * total
        self.mean = -self.left_out.sum(axis=0) / self.n  # the features of all rows add up to nought
        moved = np.sqrt(self.n) * self.mean[None]
        self.G = np.concatenate([self.left_out, moved]) if len(self.left_out) else self.left_out
        self.trace = float(self.diagonal.sum() - np.sum(self.G * self.G))

    @cached_property
    def squared(self) -> float:
        """Sum of the squared entries."""
        inner = self.G @ self.G.T
        crossed = np.sum(self.G * self.G * self.diagonal)
        return float(np.sum(self.diagonal**2) - 2 * crossed + np.sum(inner * inner))

    def times(self, vectors: Array) -> Array:
        """The matrix times each of the vectors, (p, r)."""
        return vectors * self.diagonal - (vectors @ self.G.T) @ self.G

    def solve(self, vectors: Array, ridge: float) -> Array:
        """(matrix + ridge * I)^-1 times each of the vectors, (p, r). ridge: above 0."""
        scaled = 1 / (self.diagonal + ridge)
        found = vectors * scaled
        if not len(self.G):
            return found
        shrunk = self.G * scaled
        inner = np.eye(len(self.G)) - shrunk @ self.G.T
        return found + np.linalg.solve(inner, shrunk @ vectors.T).T @ shrunk

    def held_out(self, weights: Array) -> Array:
        """Scores (p, m) of the rows left out, counted from the mean of the others. weights: (p, r)."""
        return weights @ (self.left_out - self.mean).T
