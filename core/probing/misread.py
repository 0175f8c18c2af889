"""Which held-out texts a probe got wrong, and how sure it was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.probing.reading import Reading


@dataclass(frozen=True)
class Misread:
    """A held-out row taken for the other class. row: its place in the examples. label: its own, 0 or 1.

    probability: calibrated, 0-1, of being positive. confidence: of the class that it was taken for; near a threshold
    that is not at probability .5 it can be a little below .5.
    """

    row: int
    label: int
    probability: float
    confidence: float


@dataclass(frozen=True)
class Errors:
    """rows: misread ones, the surest first. n_test: of so many. accuracy: the sweep's, 0-1.

    false_positives, false_negatives: how many of either kind. missed: share of the positives misread, 0-1;
    false_alarms: of the negatives.
    """

    rows: tuple[Misread, ...]
    n_test: int
    accuracy: float
    false_positives: int
    false_negatives: int
    missed: float
    false_alarms: float


def errors_of(reading: Reading) -> Errors:
    """The test part's misread rows, at the threshold of the train part."""
    test = reading.test
    y, scores = reading.y[test], reading.scores[test]
    called = scores > reading.threshold
    probability = reading.platt.probability(scores)
    wrong = np.flatnonzero(called != (y == 1))
    confidence = np.where(called, probability, 1 - probability)
    order = wrong[np.argsort(-confidence[wrong], kind="stable")]
    false_positives = int(np.sum(called & (y == 0)))
    false_negatives = len(wrong) - false_positives
    return Errors(
        rows=tuple(
            Misread(int(reading.kept[test[i]]), int(y[i]), float(probability[i]), float(confidence[i])) for i in order
        ),
        n_test=len(test),
        accuracy=1 - len(wrong) / len(test),
        false_positives=false_positives,
        false_negatives=false_negatives,
        missed=false_negatives / int(np.sum(y == 1)),
        false_alarms=false_positives / int(np.sum(y == 0)),
    )
