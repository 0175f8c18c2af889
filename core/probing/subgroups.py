"""Scores by subgroup: whether a probe reads one kind of text better than the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import UserError
from core.probing.calibration import wilson
from core.probing.reading import Reading
from core.stats import auroc_interval, difference_ends, over_resamples
from core.stats.bootstrap import resampled_aurocs

FEWEST = 2  # groups of either class below which a kind has no interval


@dataclass(frozen=True)
class Subgroup:
    """The test rows of one kind. rows, positives: how many. Scores 0-1, of the one probe that was fitted on all kinds.

    auroc, interval (95%, bootstrap of groups): within the kind; None where it has too few of a class. difference:
    auroc minus that among all other rows, with its interval from joint resamples, None where both are perfect.
    accuracy: at the common threshold, accuracy_difference and its interval likewise. called_positive: share of its
    rows.
    """

    value: str
    rows: int
    positives: int
    auroc: float | None
    interval: tuple[float, float] | None
    difference: float | None
    difference_interval: tuple[float, float] | None
    accuracy: float
    accuracy_difference: float | None
    accuracy_difference_interval: tuple[float, float] | None
    called_positive: float


@dataclass(frozen=True)
class Subgroups:
    """kinds: the largest first. unnamed: test rows without a kind; they are among all other rows of every kind."""

    name: str
    kinds: tuple[Subgroup, ...]
    unnamed: int


def subgroup_scores(
    reading: Reading, values: Sequence[str], *, name: str = "subgroup", resamples: int = 1000, seed: int = 0
) -> Subgroups:
    """Scores of each kind of the test rows. values: a kind for each of the examples' texts, '' for none."""
    texts = int(reading.kept.max()) + 1
    if len(values) < texts:
        raise UserError(f"There are {len(values)} kinds for {texts} texts; give one for each text.")
    kinds = np.array([values[row] for row in reading.kept[reading.test]])
    found = [_subgroup(reading, str(value), kinds == value, resamples, seed) for value in np.unique(kinds[kinds != ""])]
    found.sort(key=lambda one: (-one.rows, one.value))
    return Subgroups(name, tuple(found), int(np.sum(kinds == "")))


def _subgroup(reading: Reading, value: str, inside: np.ndarray, resamples: int, seed: int) -> Subgroup:
    y = reading.y[reading.test] == 1
    groups, scores = reading.groups[reading.test], reading.scores[reading.test]
    right = ((scores > reading.threshold) == y).astype(float)
    own, others = _readable(y, groups, inside), _readable(y, groups, ~inside)
    one = np.ones((len(y), 1))

    def measure(weights: np.ndarray) -> np.ndarray:
        """AUROC inside and outside, accuracy inside and outside: (4, resamples); 0 where it cannot be told at all."""
        nothing = np.zeros(weights.shape[1])
        return np.stack(
            [
                resampled_aurocs(y[inside], scores[inside], weights[inside]) if own else nothing,
                resampled_aurocs(y[~inside], scores[~inside], weights[~inside]) if others else nothing,
                _share(right[inside], weights[inside]),
                _share(right[~inside], weights[~inside]) if (~inside).any() else nothing,
            ]
        )

    auroc, other, accuracy, other_accuracy = (float(v) for v in measure(one)[:, 0])
    both, rest = own and others, bool((~inside).any())
    interval, apart, accuracy_apart = None, None, None
    if own:
        interval = _interval(y, scores, groups, inside, resamples, seed)
    if rest and len(np.unique(groups[inside])) > 1:
        drawn = over_resamples(measure, len(y), groups=groups, resamples=resamples, seed=seed)
        shares = _share_ends(accuracy, drawn[2], groups[inside]), _share_ends(other_accuracy, drawn[3], groups[~inside])
        accuracy_apart = difference_ends((accuracy, other_accuracy), shares, drawn[2:])
        if interval is not None and others:
            alone = interval, _interval(y, scores, groups, ~inside, resamples, seed)
            apart = difference_ends((auroc, other), alone, drawn[:2])
    return Subgroup(
        value=value,
        rows=int(inside.sum()),
        positives=int(y[inside].sum()),
        auroc=auroc if own else None,
        interval=interval,
        difference=auroc - other if both else None,
        difference_interval=apart,
        accuracy=accuracy,
        accuracy_difference=accuracy - other_accuracy if rest else None,
        accuracy_difference_interval=accuracy_apart,
        called_positive=float(np.mean(scores[inside] > reading.threshold)),
    )


def _interval(
    y: np.ndarray, scores: np.ndarray, groups: np.ndarray, here: np.ndarray, resamples: int, seed: int
) -> tuple[float, float]:
    return auroc_interval(y[here], scores[here], groups=groups[here], resamples=resamples, seed=seed)


def _readable(y: np.ndarray, groups: np.ndarray, here: np.ndarray) -> bool:
    """Whether AUROC can be told among these rows, and resampled without waiting for ever."""
    return all(len(np.unique(groups[here & (y == label)])) >= FEWEST for label in (True, False))


def _share(right: np.ndarray, weights: np.ndarray) -> np.ndarray:
    total = weights.sum(axis=0)
    return np.divide(right @ weights, total, out=np.full(weights.shape[1], np.nan), where=total > 0)


def _share_ends(share: float, drawn: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """95% interval of a share (of rows) from its resamples; of 0 or 1, which is so in all of them, Wilson's, counting
    each group once."""
    if np.ptp(drawn):
        low, high = np.quantile(drawn, [0.025, 0.975])
        return min(float(low), share), max(float(high), share)
    n = len(np.unique(groups))
    return wilson(round(share * n), n)
