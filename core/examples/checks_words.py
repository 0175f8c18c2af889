"""Checks for words that give the label away: what can be told without any model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.examples.finding import Area, Finding, Share
from core.examples.words import Counts, Words, counts, ridge_scores, tfidf
from core.stats import auroc, auroc_interval

FEW = 5  # words that are "a few"
SHOWN = 8  # words that a report names
FEW_TELL, WORDS_TELL = 0.8, 0.9  # AUROC that the interval must lie above


@dataclass(frozen=True)
class WordsRead:
    """What words give away; None where there are too few groups to hold some out. See `Report`."""

    words: Area | None
    few: Area | None
    top: tuple[Share, ...]


def read(
    words: Words,
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    parts: tuple[NDArray[np.intp], NDArray[np.intp]] | None,
) -> WordsRead:
    """Measure it. labels, groups: (n,) of the texts in `words`. parts: rows to learn from and to test on."""
    table = counts(words)
    shares = _shares(table, labels, np.arange(len(labels)))
    order = np.argsort(-np.abs(shares[1] - shares[0]), kind="stable")[:SHOWN]
    top = tuple(Share(words.vocabulary[w], float(shares[1][w]), float(shares[0][w])) for w in order)
    if parts is None:
        return WordsRead(None, None, top)
    train, test = parts
    readers = (ridge_scores(tfidf(table, train), labels, train), _few_scores(table, labels, train))
    areas = [area(labels[test], scores[test], groups[test]) for scores in readers]
    return WordsRead(areas[0], areas[1], top)


def area(labels: NDArray[np.int64], scores: NDArray[np.float64], groups: NDArray[np.int64]) -> Area:
    """AUROC and its interval, resampled by groups; 0 to 1 where all is one group, and nothing is known."""
    if groups.min() == groups.max():
        return Area(auroc(labels, scores), 0.0, 1.0)
    return Area(auroc(labels, scores), *auroc_interval(labels, scores, groups=groups, resamples=500))


def findings(found: WordsRead) -> list[Finding]:
    """Sentences about what was measured."""
    if found.few is not None and found.few.low >= FEW_TELL:
        told = "; ".join(_told(share) for share in found.top[:FEW])
        return [
            Finding(
                "few words",
                "warning",
                f"A few words tell the classes apart, AUROC {found.few.auroc:.2f} without any model: {told}.",
                "If these words are not the concept itself, take them out or spread them over both classes: a probe may"
                " read nothing else.",
            )
        ]
    if found.words is not None and found.words.low >= WORDS_TELL:
        return [
            Finding(
                "words",
                "note",
                f"Single words tell the classes apart, AUROC {found.words.auroc:.2f} on held-out texts without any"
                " model.",
                "Read every score of a probe beside this one, and test it on texts that say it in other words.",
            )
        ]
    return []


def _told(share: Share) -> str:
    return f"{share.quoted} in {share.positives:.0%} of positives and {share.negatives:.0%} of negatives"


def _shares(table: Counts, labels: NDArray[np.int64], rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """(2, words): the share of negatives and of positives among `rows` that have a word."""
    kept = np.zeros(table.shape[0], dtype=bool)
    kept[rows] = True
    chosen = kept[table.row]
    word, label = table.word[chosen], labels[table.row[chosen]]
    have = [np.bincount(word[label == value], minlength=table.shape[1]) for value in (0, 1)]
    return np.stack([number / max(1, int((labels[rows] == value).sum())) for value, number in enumerate(have)])


def _few_scores(table: Counts, labels: NDArray[np.int64], train: NDArray[np.intp]) -> NDArray[np.float64]:
    """Scores (n,) by presence and absence of the FEW words whose shares differ most among the `train` rows.

    Naive Bayes: the sum of their log odds.
    """
    negative, positive = _shares(table, labels, train)
    chosen = np.argsort(-np.abs(positive - negative), kind="stable")[:FEW]
    smooth = 1 / (len(train) + 2)
    p, q = (np.clip(shares[chosen], smooth, 1 - smooth) for shares in (positive, negative))
    weights = np.zeros(table.shape[1])
    weights[chosen] = np.log(p / q) - np.log((1 - p) / (1 - q))
    present = Counts(table.row, table.word, np.ones(len(table.row)), table.shape)
    return present.times(weights)
