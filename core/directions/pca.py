"""First principal component of paired differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from core.directions.finder import Finder, Parts
from core.directions.prepared import Prepared


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
        return np.stack([_vector(rows, np.arange(len(one)), one, seed) for one in labels])

    def held_out(self, rows: Prepared, labels: np.ndarray, parts: Parts, *, seed: int = 0) -> np.ndarray:
        scores = np.full((1, len(labels)), np.nan)
        for train, test in parts:
            vector = _vector(rows, train, labels[train], seed)
            scores[0, test] = (rows.centred[test] - rows.centred[train].mean(axis=0)) @ vector
        return scores


def pairs(labels: np.ndarray, groups: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the positives and of the negatives of each pair, two (m,). labels: (n,) boolean, both present."""
    own: list[tuple[np.ndarray, np.ndarray]] = []
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


def _zipped(positives: np.ndarray, negatives: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs in order; the shorter list begins anew until the longer one is at its end."""
    each = np.arange(max(len(positives), len(negatives)))
    return positives[each % len(positives)], negatives[each % len(negatives)]


def _vector(rows: Prepared, chosen: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """The finder's vector (d,) on some of the rows. chosen: (n,) row numbers. labels: (n,) of those rows."""
    positives, negatives = (chosen[side] for side in pairs(labels, rows.groups[chosen], seed))
    D = rows.centred[positives] - rows.centred[negatives]
    m, d = D.shape
    if m <= d:
        K = rows.gram
        inner = K[np.ix_(positives, positives)] + K[np.ix_(negatives, negatives)]
        crossed = K[np.ix_(positives, negatives)]
        axis = D.T @ np.linalg.eigh(inner - crossed - crossed.T)[1][:, -1]
    else:
        axis = np.linalg.eigh(D.T @ D)[1][:, -1]
    length = np.linalg.norm(axis)
    if not length > 0:
        return np.zeros(d)
    along = D @ (axis / length)
    majority = np.count_nonzero(along > 0) - np.count_nonzero(along < 0)
    sign = np.sign(majority) or np.sign(along.mean()) or 1.0
    return sign * np.sqrt(np.mean(along**2)) * axis / length
