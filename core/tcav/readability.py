"""Read? How well a concept's CAV tells its positives from its negatives, on rows that it was not made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.directions.finder import Parts, inner_folds
from core.directions.threads import one_blas_thread
from core.stats.permutation import p_value, permuted_labels
from core.stats.stratified import stratified_aurocs, stratified_interval
from core.tcav.cavs import CavKind, derivatives_under, outside
from core.tcav.concept import Concept
from core.tcav.covariance import Metric

FOLDS = 5
REFITS = 99  # permutations for kinds that have to be fitted anew each time


@dataclass(frozen=True)
class Readability:
    """auroc: cross-validated, 0-1, chance .5, over pairs within a fold. ci: 95%, of these directions on other rows.

    p: one-sided, from dealing the labels anew within the folds and fitting every fold's CAV again.
    """

    auroc: float
    ci: tuple[float, float]
    p: float


@one_blas_thread()
def readability(
    concept: Concept,
    site: int,
    kind: CavKind,
    metric: Metric,
    *,
    permutations: int = 999,
    seed: int = 0,
    taken: np.ndarray | None = None,
) -> Readability:
    """Of one kind of CAV at one site (its place in concept.X). taken: orthonormal directions (r, d) that are taken out
    of the CAV once it is made.

    Labels are dealt within the folds, so that every fold keeps its share of positives: given the folds, the true
    labelling is then one of those that are dealt, and p is exact.
    """
    y, groups = concept.y.astype(bool), concept.groups
    parts, fold = _folds(concept, seed)
    times = permutations if kind.many is None else min(permutations, REFITS)
    dealt = permuted_labels(y, groups, times, seed=seed + 1, within=fold)
    labels = np.concatenate([y[None], dealt])
    scores = _held_out(concept, site, kind, metric, labels, parts, taken)
    aurocs = stratified_aurocs(labels, scores, fold)
    return Readability(
        auroc=float(aurocs[0]),
        ci=stratified_interval(y, scores[0], fold, groups=groups, seed=seed),
        p=float(p_value(aurocs[0], aurocs[1:])),
    )


@one_blas_thread()
def plain_auroc(concept: Concept, site: int, kind: CavKind, metric: Metric, *, seed: int = 0) -> float:
    """The cross-validated AUROC alone."""
    labels = concept.y[None].astype(bool)
    parts, fold = _folds(concept, seed)
    return float(stratified_aurocs(labels, _held_out(concept, site, kind, metric, labels, parts), fold)[0])


def _folds(concept: Concept, seed: int) -> tuple[Parts, np.ndarray]:
    """(training, test) rows of each fold, and the number of each row's fold (n,)."""
    parts = inner_folds(concept.y, concept.groups, k=FOLDS, seed=seed)
    fold = np.zeros(len(concept.y), dtype=np.int64)
    for number, (_, test) in enumerate(parts):
        fold[test] = number
    return parts, fold


def _held_out(
    concept: Concept,
    site: int,
    kind: CavKind,
    metric: Metric,
    labels: np.ndarray,
    parts: Parts,
    taken: np.ndarray | None = None,
) -> np.ndarray:
    """Each row's score, (b, n), along the CAV of the fold that it was not in, under each labelling (b, n)."""
    X, scores = concept.X[site], np.zeros(labels.shape)
    read = outside(X, taken)  # a row without it along the CAV is the row along the CAV without it
    for train, test in parts:
        scores[:, test] = derivatives_under(kind, X[train], labels[:, train], metric, read[test])
    return scores
