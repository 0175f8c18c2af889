"""First principal component of paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from core.directions.finder import Finder, Parts
from core.directions.prepared import Prepared

TOLERANCE = 1e-9  # of the residual, as a share of the eigenvalue
MOST = 300  # steps; where two axes are all but equally long, either is as good as the other

Pairs = tuple[np.ndarray, np.ndarray]  # row numbers of the positives and of the negatives, (m,) each


@dataclass(frozen=True)
class PairedPCA(Finder):
    """The line along which pairs of a positive and a negative differ most, pointing to where most positives lie.

    The first right singular vector of the differences positive - negative, one row per pair (Zou et al. 2023,
    "Representation Engineering", LAT with contrastive pairs). Their mean is not taken off first: it is the difference
    of the classes' means, the very thing that is looked for. The sign is that in which more than half of the pairs
    differ; where they are even, that of the mean difference. The vector's length is the root mean square of the pairs'
    differences along it, in the units of the activations.

    Pairs: a group that holds both classes (a statement and its negation, under one name in the `group` column) pairs
    its own positives and negatives, in the order of the rows. All other rows are paired at random by the seed, and
    where one class has fewer it begins anew, so that every row counts. Where pairs are random, what differs most
    between any two texts can drown the concept; that is the method, and its score shows it.
    """

    name: ClassVar[str] = "pca"
    title: ClassVar[str] = "PCA of paired differences"
    help: ClassVar[str] = "The main axis of positive - negative pairs: best with true pairs, in one group each."

    def fit_many(self, rows: Prepared, labels: np.ndarray, *, seed: int = 0) -> np.ndarray:
        return _vectors(rows.centred, [pairs(one, rows.groups, seed) for one in labels])

    def held_out(self, rows: Prepared, labels: np.ndarray, parts: Parts, *, seed: int = 0) -> np.ndarray:
        scores = np.full((1, len(labels)), np.nan)
        own = [tuple(train[side] for side in pairs(labels[train], rows.groups[train], seed)) for train, _ in parts]
        vectors = _vectors(rows.centred, own)  # type: ignore[arg-type]  # of two each
        for vector, (train, test) in zip(vectors, parts, strict=True):
            scores[0, test] = (rows.centred[test] - rows.centred[train].mean(axis=0)) @ vector
        return scores


def pairs(labels: np.ndarray, groups: np.ndarray, seed: int) -> Pairs:
    """The rows that stand against one another. labels: (n,) boolean, both present. groups: (n,)."""
    own: list[Pairs] = []
    alone = np.ones(len(labels), dtype=bool)
    with_positives, with_negatives = (np.unique(groups[labels == label]) for label in (True, False))
    for group in np.intersect1d(with_positives, with_negatives):
        members = np.flatnonzero(groups == group)
        own.append(_zipped(members[labels[members]], members[~labels[members]]))
        alone[members] = False
    rng = np.random.default_rng(seed)
    positives, negatives = (rng.permutation(np.flatnonzero(alone & (labels == label))) for label in (True, False))
    if len(positives) and len(negatives):
        own.append(_zipped(positives, negatives))
    return np.concatenate([p for p, _ in own]), np.concatenate([n for _, n in own])


def _zipped(positives: np.ndarray, negatives: np.ndarray) -> Pairs:
    """Pairs in order; the shorter list begins anew until the longer one is at its end."""
    each = np.arange(max(len(positives), len(negatives)))
    return positives[each % len(positives)], negatives[each % len(negatives)]


def _vectors(X: np.ndarray, paired: Sequence[Pairs]) -> np.ndarray:
    """The finder's vector (p, d) of each of p pairings of the rows X (n, d)."""
    found = []
    for axis, (positives, negatives) in zip(_main_axes(X, paired), paired, strict=True):
        along = X @ axis
        along = along[positives] - along[negatives]
        majority = np.count_nonzero(along > 0) - np.count_nonzero(along < 0)
        sign = np.sign(majority) or np.sign(along.mean()) or 1.0
        found.append(sign * np.sqrt(np.mean(along**2)) * axis)
    return np.stack(found)


def _main_axes(X: np.ndarray, paired: Sequence[Pairs]) -> np.ndarray:
    """Unit vectors (p, d), each the axis of the largest second moment of its pairs' differences.

    Lanczos' method with full reorthogonalisation, for all pairings at once (Golub and Van Loan 2013, section 10.1): a
    step is one product with X and one with its transpose, whatever p.
    """
    n, p = len(X), len(paired)
    longest = max(len(positives) for positives, _ in paired)
    ends = np.zeros((2, p, longest), dtype=int)
    real = np.zeros((p, longest))
    for line, pair in enumerate(paired):
        ends[:, line, : len(pair[0])] = pair
        real[line, : len(pair[0])] = 1
    flat = ends + n * np.arange(p)[:, None]

    def moment(V: np.ndarray) -> np.ndarray:
        """The sum of d d' v over the differences d of each pairing: (p, d)."""
        along = (V @ X.T).ravel()
        difference = (along[flat[0]] - along[flat[1]]) * real
        spread = [np.bincount(flat[side].ravel(), difference.ravel(), minlength=n * p) for side in (0, 1)]
        return np.asarray((spread[0] - spread[1]).reshape(p, n) @ X)

    most = min(MOST, longest, X.shape[1])
    Q = np.zeros((most + 1, p, X.shape[1]))
    Q[0] = np.random.default_rng(0).standard_normal(X.shape[1])
    Q[0] /= np.linalg.norm(Q[0, 0])
    T = np.zeros((p, most + 1, most + 1))
    top = np.ones((p, 1))
    for step in range(most):
        fresh = moment(Q[step])
        for _ in range(2):  # once leaves what rounding makes of near parallels
            onto = np.einsum("kpd,pd->kp", Q[: step + 1], fresh)
            fresh -= np.einsum("kp,kpd->pd", onto, Q[: step + 1])
            T[:, step, step] += onto[step]
        size = np.linalg.norm(fresh, axis=1)
        values, vectors = np.linalg.eigh(T[:, : step + 1, : step + 1])
        top, best = vectors[:, :, -1], values[:, -1]
        # The residual of the best axis so far (Parlett 1998, section 13.2); nothing left to add where it is nought.
        if np.all(size * np.abs(top[:, -1]) <= TOLERANCE * best):
            break
        T[:, step, step + 1] = T[:, step + 1, step] = size
        Q[step + 1] = fresh / np.maximum(size, np.finfo(np.float64).tiny)[:, None]
    axes = np.einsum("pk,kpd->pd", top, Q[: top.shape[1]])
    return np.asarray(axes / np.linalg.norm(axes, axis=1, keepdims=True))
