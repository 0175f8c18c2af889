"""Sparse probing: how well one, two or five features alone tell a concept's texts apart.

Gurnee et al. 2023, "Finding Neurons in a Haystack"; the settings are those of SAEBench (Karvonen et al. 2025): a text
is the mean of its codes over tokens, and the features are those whose means differ most between the two classes. Beside
them stand what a probe on the whole activation reaches, what as many coordinates of the activation do, and as many
random features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.dictionaries.index.concept import NOTHING_TOLD
from core.dictionaries.index.pooled import Pooled
from core.directions.logistic import Logistic
from core.errors import UserError
from core.examples import Examples, split
from core.stats import auroc
from core.stats.bootstrap import auroc_interval

KS = (1, 2, 5)
RANDOM = 5  # draws of random features, whose mean is the control
PENALTY = 1.0  # scikit-learn's C: a handful of standardised columns needs no choosing


@dataclass(frozen=True)
class SparseProbe:
    """A probe on k features. features: the strongest first. auroc, interval: held out, 0 to 1, chance 0.5; 95%, and 0
    to 1 where the probe says the same of all texts.

    coordinates: the same with the k coordinates of the activation whose class means differ most. random: mean of 5
    draws of k features that are on in these texts.
    """

    k: int
    features: tuple[int, ...]
    auroc: float
    interval: tuple[float, float]
    coordinates: float
    random: float


@dataclass(frozen=True)
class SparseProbes:
    """whole: held-out AUROC of a logistic probe on the whole mean activation, with its 95% interval."""

    examples_id: str
    whole: float
    whole_interval: tuple[float, float]
    probes: tuple[SparseProbe, ...]
    n_train: int
    n_test: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Halves:
    """Rows of a set that have an activation, dealt into two halves by whole groups. labels, groups: of all rows."""

    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    train: NDArray[np.intp]
    test: NDArray[np.intp]


def halves(codes: Pooled, examples: Examples, *, seed: int = 0) -> Halves:
    """Deal the texts that have a token which is read. Raises UserError where a half would lack a class."""
    there = np.flatnonzero(~np.isnan(codes.means).any(axis=1))
    train, test = split(examples.labels[there], examples.groups[there], test_share=0.5, seed=seed)
    return Halves(examples.labels, examples.groups, there[train], there[test])


def class_differences(codes: Pooled, labels: NDArray[np.int64], rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """(m,) mean code of each feature over the positives among `rows`, minus that over the negatives."""
    weights = np.zeros(codes.n_texts)
    for label, sign in ((1, 1.0), (0, -1.0)):
        own = rows[labels[rows] == label]
        weights[own] = sign / len(own)
    return codes.sums(weights)


def sparse_probes(codes: Pooled, examples: Examples, *, ks: Sequence[int] = KS, seed: int = 0) -> SparseProbes:
    """Probes on the few best features. codes: of the texts of `examples`, pooled by "mean".

    Features are chosen and probes fitted on one half of the texts, whole groups, and scored on the other. A k for which
    too few features are on is left out. Raises UserError if none is.
    """
    dealt = halves(codes, examples, seed=seed)
    train, labels = dealt.train, dealt.labels
    live = np.flatnonzero(codes.on_in)
    ks = [k for k in ks if k <= len(live)]
    if not ks:
        raise UserError(f"In the texts of {examples.id!r} no feature is on, so that there is nothing to probe.")
    best = _largest(class_differences(codes, labels, train), max(ks))
    x = codes.means.astype(np.float64)
    y = labels[train].astype(bool)
    coordinates = _largest(x[train][y].mean(axis=0) - x[train][~y].mean(axis=0), min(max(ks), x.shape[1]))
    whole, whole_interval = _scored(x, dealt, Logistic(), seed)
    chance = np.random.default_rng(seed)
    found = []
    for k in ks:
        score, interval = _scored(codes.of(best[:k]).T, dealt, Logistic(c=PENALTY), seed)
        draws = [chance.choice(live, k, replace=False) for _ in range(RANDOM)]
        random = [_score(codes.of(draw).T, dealt, Logistic(c=PENALTY), seed)[0] for draw in draws]
        same = _score(x[:, coordinates[:k]], dealt, Logistic(c=PENALTY), seed)[0]
        found.append(SparseProbe(k, tuple(best[:k].tolist()), score, interval, same, float(np.mean(random))))
    return SparseProbes(examples.id, whole, whole_interval, tuple(found), len(train), len(dealt.test))


def _largest(differences: NDArray[np.float64], k: int) -> NDArray[np.intp]:
    return np.argsort(-np.abs(differences), kind="stable")[:k]


def _score(columns: NDArray, dealt: Halves, finder: Logistic, seed: int) -> tuple[float, NDArray[np.float64]]:
    """Held-out AUROC of a probe on columns (n, k), and the held-out scores."""
    wide = columns.astype(np.float64)
    vector = finder.fit(wide[dealt.train], dealt.labels[dealt.train], groups=dealt.groups[dealt.train], seed=seed)
    scores = wide[dealt.test] @ vector
    return float(auroc(dealt.labels[dealt.test], scores)), scores


def _scored(columns: NDArray, dealt: Halves, finder: Logistic, seed: int) -> tuple[float, tuple[float, float]]:
    score, scores = _score(columns, dealt, finder, seed)
    labels, groups = dealt.labels[dealt.test], dealt.groups[dealt.test]
    if (scores == scores[:1]).all():
        return score, NOTHING_TOLD
    return score, auroc_interval(labels, scores, groups=groups, seed=seed)
