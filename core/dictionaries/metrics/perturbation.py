"""Targeted probe perturbation: do the features of one concept act on that concept's probe alone?

Karvonen et al. 2025, "SAEBench", after the SHIFT of Marks et al. 2024. Each of several concepts gets a probe on mean
activations; the features that speak for it most, by the difference of their class means times what they write along the
probe, are taken out of the activations; the drop of its own probe's accuracy is set against that of the other probes.
The probes read where the dictionary writes, so that taking features out of every token takes just their mean codes
times their rows out of the mean activation: nothing is run again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.dictionaries.dictionary import Dictionary
from core.dictionaries.index.pooled import Pooled
from core.dictionaries.metrics.sparse_probing import Halves, class_differences, halves
from core.directions.logistic import Logistic
from core.errors import UserError
from core.examples import Examples

COUNTS = (1, 5, 20)  # features that are taken out
RESAMPLES = 1000


@dataclass(frozen=True)
class Perturbed:
    """With the `n_features` features of each concept taken out in turn.

    accuracy[i][j]: of the probe of concept i on its held-out texts, 0 to 1, without the features of concept j. own:
    mean drop where both are the same; others: mean drop where they are not. score: own - others; interval: 95%,
    texts of each concept drawn again. random: own with as many random features.
    """

    n_features: int
    accuracy: tuple[tuple[float, ...], ...]
    own: float
    others: float
    score: float
    interval: tuple[float, float]
    random: float


@dataclass(frozen=True)
class Perturbation:
    """clean: accuracy of each concept's probe on its held-out texts, 0 to 1, in the order of `examples_ids`."""

    examples_ids: tuple[str, ...]
    clean: tuple[float, ...]
    results: tuple[Perturbed, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, eq=False)
class _Concept:
    """codes: of its texts. dealt: its halves. probe: (d,); above `threshold` a text is taken for a positive. effects:
    (m,) how far each feature sets its classes apart along the probe."""

    codes: Pooled
    dealt: Halves
    probe: NDArray[np.float64]
    threshold: float
    effects: NDArray[np.float64]

    def right(self, without: NDArray[np.intp], rows: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(n,) which held-out texts the probe gets right with some features (of `rows`, (m, d)) taken out."""
        test = self.dealt.test
        taken = self.codes.of(without)[:, test].T.astype(np.float64) @ (rows[without] @ self.probe)
        logits = self.codes.means[test].astype(np.float64) @ self.probe - taken - self.threshold
        return (logits > 0) == (self.dealt.labels[test] == 1)


def perturbation(
    dictionary: Dictionary,
    read: Sequence[tuple[Examples, Pooled]],
    *,
    counts: Sequence[int] = COUNTS,
    seed: int = 0,
) -> Perturbation:
    """Take the features of each concept out in turn. read: sets with their codes, pooled by "mean".

    Raises UserError where that makes no sense (see `why_not`).
    """
    if said := why_not(dictionary, len(read)):
        raise UserError(said)
    rows = dictionary.coder.W_dec.detach().cpu().numpy().astype(np.float64)
    concepts = [_concept(examples, codes, rows, seed) for examples, codes in read]
    nothing = np.zeros(0, dtype=np.intp)
    clean = [one.right(nothing, rows) for one in concepts]
    chance = np.random.default_rng(seed)
    results = []
    for count in counts:
        chosen = [np.argsort(-one.effects, kind="stable")[:count] for one in concepts]
        right = [[one.right(features, rows) for features in chosen] for one in concepts]
        drops = [
            np.stack([before.astype(float) - after for after in line], axis=1)
            for before, line in zip(clean, right, strict=True)
        ]
        own = float(np.mean([drop[:, i].mean() for i, drop in enumerate(drops)]))
        specific = [_specific(drop, i) for i, drop in enumerate(drops)]
        score = float(np.mean([values.mean() for values in specific]))
        random = []
        for one, before in zip(concepts, clean, strict=True):
            live = np.flatnonzero(one.codes.on_in)
            drawn = chance.choice(live, min(count, len(live)), replace=False)
            random.append(before.mean() - one.right(drawn, rows).mean())
        results.append(
            Perturbed(
                n_features=count,
                accuracy=tuple(tuple(float(values.mean()) for values in line) for line in right),
                own=own,
                others=own - score,
                score=score,
                interval=_interval(specific, [one.dealt for one in concepts], seed),
                random=float(np.mean(random)),
            )
        )
    names = tuple(examples.id for examples, _ in read)
    return Perturbation(names, tuple(float(one.mean()) for one in clean), tuple(results))


def why_not(dictionary: Dictionary, sets: int) -> str | None:
    """A sentence on why features cannot be taken out, with so many sets; None if they can be."""
    if sets < 2:
        return "Perturbing probes takes two sets at the least: one concept is told from the others."
    if dictionary.card.reads != dictionary.card.rebuilds:
        return f"{dictionary.name!r} reads one place and rebuilds another: its features cannot be taken out."
    if dictionary.coder.writes_scaled:
        return (
            f"{dictionary.name!r} divides each token by its own scale: how much of a text a feature makes up is not"
            " told by its mean code, so that nothing is perturbed."
        )
    return None


def _concept(examples: Examples, codes: Pooled, rows: NDArray[np.float64], seed: int) -> _Concept:
    dealt = halves(codes, examples, seed=seed)
    x, y = codes.means[dealt.train].astype(np.float64), dealt.labels[dealt.train]
    probe = Logistic().fit(x, y, groups=dealt.groups[dealt.train], seed=seed)
    along = x @ probe
    threshold = float(along[y == 1].mean() + along[y == 0].mean()) / 2  # halfway between the classes
    effects = class_differences(codes, dealt.labels, dealt.train) * (rows @ probe)
    return _Concept(codes, dealt, probe, threshold, effects)


def _specific(drop: NDArray[np.float64], own: int) -> NDArray[np.float64]:
    """(n,) of each text: the drop by its own concept's features, minus the mean drop by the others'."""
    return np.asarray(drop[:, own] - np.delete(drop, own, axis=1).mean(axis=1))


def _interval(specific: Sequence[NDArray[np.float64]], dealt: Sequence[Halves], seed: int) -> tuple[float, float]:
    """Percentile bootstrap of the mean over concepts: whole groups of each concept's texts are drawn again."""
    chance, means = np.random.default_rng(seed), []
    for values, own in zip(specific, dealt, strict=True):
        members = np.unique(own.groups[own.test], return_inverse=True)[1]
        n = int(members.max()) + 1
        sums = np.stack([np.bincount(members, values, n), np.bincount(members, minlength=n)], axis=1)
        drawn = chance.multinomial(n, np.full(n, 1 / n), size=RESAMPLES) @ sums
        means.append(drawn[:, 0] / drawn[:, 1])
    low, high = np.quantile(np.mean(means, axis=0), (0.025, 0.975))
    return float(low), float(high)
