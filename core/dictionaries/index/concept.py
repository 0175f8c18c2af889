"""Features for a concept: which ones separate a labelled set, on texts that had no part in choosing them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.dictionaries.index.pooled import Pool, Pooled, pooled_codes
from core.errors import UserError
from core.examples import split
from core.progress import Listener, silent
from core.stats.bootstrap import auroc_intervals
from core.stats.columns import aurocs
from core.stats.multiplicity import holm
from core.stats.permutation import p_value, permuted_labels

if TYPE_CHECKING:
    from core.dictionaries.dictionary import Dictionary
    from core.examples import Examples
    from core.models import Model

TESTED = 100  # features that are put to the test on held-out texts
PERMUTATIONS = 9999
FEWEST = 5  # training texts in which a feature has to be on, to be considered
AT_ONCE = 512  # features
DIFFERENCE = "difference of means"
NOTHING_TOLD = (0.0, 1.0)  # interval of an AUROC of codes that are all alike


@dataclass(frozen=True)
class ConceptFeature:
    """A feature and how well its code tells positives from negatives.

    train_auroc: on the half on which it was chosen. auroc, interval: on the other half, 0 to 1, chance 0.5; 95%, and 0
    to 1 where its codes there are all alike. p: that it is no better than chance there, one-sided, by dealing the
    labels of groups anew; p_adjusted: Holm, for all features that were tested. on: share of all texts in which it is
    on. cosines: of what it writes with directions, by name.
    """

    feature: int
    train_auroc: float
    auroc: float
    interval: tuple[float, float]
    p: float
    p_adjusted: float
    on: float
    cosines: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "interval": list(self.interval), "cosines": dict(self.cosines)}


@dataclass(frozen=True)
class ConceptFeatures:
    """features: those tested, the best on held-out texts first, which makes the first one's AUROC a little too good.
    best: the one that was best on the training half; its AUROC is fair. considered: features that were on in enough
    training texts, from which the tested ones were chosen."""

    examples_id: str
    pool: Pool
    features: tuple[ConceptFeature, ...]
    best: ConceptFeature
    considered: int
    tested: int
    n_train: int
    n_test: int

    def to_json(self) -> dict[str, Any]:
        return {
            **{name: value for name, value in vars(self).items() if name not in ("features", "best")},
            "best": self.best.to_json(),
            "features": [one.to_json() for one in self.features],
        }


def features_for(
    model: Model,
    dictionary: Dictionary,
    examples: Examples,
    *,
    pool: Pool | None = None,
    directions: Mapping[str, NDArray] | None = None,
    tested: int = TESTED,
    seed: int = 0,
    max_length: int = 256,
    progress: Listener = silent,
) -> ConceptFeatures:
    """Rank the features of `dictionary` (bound to `model`) by how well each separates `examples`.

    A text's code is the largest over its tokens ("max"), for signed codes the mean. The half of the texts that is for
    training, whole groups, chooses the `tested` features with the highest AUROC; the other half tests these.
    directions: vectors (d,) at the dictionary's site, such as a probe's, whose cosines with the features are given; the
    difference of means of the training half is always among them, where the dictionary reads and writes one place.
    Raises UserError if no feature is on in 5 training texts.
    """
    pool = pool or ("mean" if dictionary.coder.signed else "max")
    codes = pooled_codes(model, dictionary, examples.texts, pool=pool, max_length=max_length, progress=progress)
    train, test = split(examples.labels, examples.groups, test_share=0.5, seed=seed)
    scored, considered = _trained(codes, examples.labels, train)
    if len(considered) == 0:
        raise UserError(f"No feature of {dictionary.name!r} is on in {FEWEST} of the training texts; use more texts.")
    order = np.argsort(-scored, kind="stable")[:tested]
    chosen = considered[order]
    own = codes.of(chosen)[:, test].astype(np.float64)
    labels, groups = examples.labels[test], examples.groups[test]
    held_out = aurocs(labels, own)
    intervals = auroc_intervals(labels, own, groups=groups, seed=seed)
    alike = (own == own[:, :1]).all(axis=1)  # drawing such texts again would say that 0.5 is certain
    p = _p_values(own, labels, groups, held_out, seed)
    adjusted = holm(p)
    cosines = _cosines(dictionary, codes, examples.labels, train, directions or {}, chosen)
    found = [
        ConceptFeature(
            feature=int(chosen[place]),
            train_auroc=float(scored[order[place]]),
            auroc=float(held_out[place]),
            interval=NOTHING_TOLD if alike[place] else (float(intervals[place][0]), float(intervals[place][1])),
            p=float(p[place]),
            p_adjusted=float(adjusted[place]),
            on=float(codes.on_in[chosen[place]] / codes.n_texts),
            cosines={name: float(values[place]) for name, values in cosines.items()},
        )
        for place in range(len(chosen))
    ]
    return ConceptFeatures(
        examples_id=examples.id,
        pool=pool,
        features=tuple(sorted(found, key=lambda one: (-one.auroc, one.feature))),
        best=found[0],
        considered=len(considered),
        tested=len(found),
        n_train=len(train),
        n_test=len(test),
    )


def _trained(
    codes: Pooled, labels: NDArray[np.int64], train: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """AUROC on the training half of every feature that is on in enough of its texts, and which ones these are."""
    values: list[NDArray] = []
    kept: list[NDArray] = []
    live = np.flatnonzero(codes.on_in >= FEWEST)
    for start in range(0, len(live), AT_ONCE):
        part = live[start : start + AT_ONCE]
        own = codes.of(part)[:, train]
        enough = (own != 0).sum(axis=1) >= FEWEST
        if enough.any():
            kept.append(part[enough])
            values.append(aurocs(labels[train], own[enough].astype(np.float64)))
    return np.concatenate([np.zeros(0), *values]), np.concatenate([np.zeros(0, dtype=np.int64), *kept])


def _p_values(
    codes: NDArray[np.float64], labels: NDArray, groups: NDArray, observed: NDArray[np.float64], seed: int
) -> NDArray[np.float64]:
    """One-sided p of each AUROC (k,): ranks (k, n) are summed over each relabelling's positives."""
    ranks = np.stack([_midranks(line) for line in codes])
    dealt = permuted_labels(labels, groups, PERMUTATIONS, seed=seed)
    positives = dealt.sum(axis=1)[:, None]
    sums = np.concatenate([part.astype(np.float64) @ ranks.T for part in np.array_split(dealt, 20)])
    null = (sums - positives * (positives + 1) / 2) / (positives * (len(labels) - positives))
    return p_value(observed, null)


def _midranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1; equals share their mean."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[place]


def _cosines(
    dictionary: Dictionary,
    codes: Pooled,
    labels: NDArray[np.int64],
    train: NDArray[np.intp],
    directions: Mapping[str, NDArray],
    chosen: NDArray[np.int64],
) -> dict[str, NDArray[np.float64]]:
    coder, card = dictionary.coder, dictionary.card
    if coder.d_in != coder.d_out or card.reads != card.rebuilds:
        return {}
    there = train[~np.isnan(codes.means[train]).any(axis=1)]
    means, y = codes.means[there].astype(np.float64), labels[there].astype(bool)
    every = dict(directions)
    if y.any() and not y.all():
        every = {DIFFERENCE: means[y].mean(axis=0) - means[~y].mean(axis=0), **every}
    rows = coder.W_dec.detach().cpu().numpy().astype(np.float64)[chosen]
    lengths = np.linalg.norm(rows, axis=1)
    found = {}
    for name, vector in every.items():
        v = np.asarray(vector, dtype=np.float64)
        if v.shape != (coder.d_out,):
            raise UserError(f"The direction {name!r} has {v.size} values; features here have {coder.d_out}.")
        found[name] = rows @ v / np.maximum(lengths * np.linalg.norm(v), 1e-30)
    return found
