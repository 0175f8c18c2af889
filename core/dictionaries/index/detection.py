"""Detection: how well a label tells the tokens on which a feature is on from those on which it is off.

After Bills et al. 2023 and Paulo et al. 2024 ("Automatically Interpreting Millions of Features"), with words counted in
the place of a judge: a token scores the weights of those of the label's words that stand at it or near it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.dictionaries.index.best import lots
from core.dictionaries.index.index import Index
from core.dictionaries.index.labels import Term
from core.dictionaries.index.reading import Reading
from core.stats.auroc import auroc

FEWEST = 3  # held-out tokens on which a feature is on; fewer say nothing


@dataclass(frozen=True)
class Detected:
    """auroc: 0 to 1, chance 0.5, ties count a half. positives, negatives: held-out tokens."""

    auroc: float
    positives: int
    negatives: int


class Evidence:
    """The tokens that an index holds of each feature, the words around them, and the half that each text is in.

    making: (texts,) whether a text makes labels; the others test them. Passages of one text are on one side.
    """

    def __init__(self, index: Index, reading: Reading) -> None:
        self.index, self.reading = index, reading
        self.making = makes_labels(index)
        columns = index.columns
        sizes = columns["seen_size"]
        self._seen = columns["seen_text"], columns["seen_position"]
        self._seen_at = self.words_at(*self._seen)
        self._seen_near = self.words_near(*self._seen)
        self._testing = ~self.making[self._seen[0]] & reading.has(*self._seen)
        order = np.argsort(columns["seen_feature"], kind="stable")
        self._on_token = np.repeat(np.arange(len(sizes)), sizes)[order]
        self._starts = np.searchsorted(columns["seen_feature"][order], np.arange(index.n_features + 1))

    def on(self, feature: int, *, making: bool) -> tuple[NDArray, NDArray]:
        """(text, position) of tokens of one half on which a feature is on.

        For making a label: the strongest ones and those drawn evenly. For testing: those drawn evenly alone, so that
        weak activations count as they come.
        """
        columns = self.index.columns
        texts, positions = columns["sample_text"][feature], columns["sample_position"][feature]
        if making:
            strong = columns["example_band"] == 0
            texts = np.concatenate([texts, columns["example_text"][feature, strong]])
            positions = np.concatenate([positions, columns["example_position"][feature, strong]])
        kept = texts >= 0
        texts, positions = texts[kept], positions[kept]
        kept = (self.making[texts] == making) & self.reading.has(texts, positions)
        pairs = np.unique(np.stack([texts[kept], positions[kept]], axis=1), axis=0)
        return pairs[:, 0], pairs[:, 1]

    def words_at(self, texts: NDArray, positions: NDArray) -> NDArray[np.int32]:
        """(n,) word at each token, -1 for none."""
        return self.reading.at(texts, positions)

    def words_near(self, texts: NDArray, positions: NDArray) -> NDArray[np.int32]:
        """(n, w) words of the tokens of each window, -1 for none."""
        settings = self.index.settings
        around = np.arange(-settings.before, settings.after + 1)
        return self.reading.at(np.asarray(texts)[:, None], np.asarray(positions)[:, None] + around)

    def off(self, feature: int) -> NDArray[np.intp]:
        """Places of the sampled tokens of the testing half on which a feature is off."""
        mask = self._testing.copy()
        mask[self._on_token[self._starts[feature] : self._starts[feature + 1]]] = False
        return np.flatnonzero(mask)

    def scores(self, at: NDArray[np.int32], near: NDArray[np.int32], terms: Sequence[Term]) -> NDArray[np.float64]:
        """(n,) weights of the words that are found at (n,) and near (n, w) some tokens."""
        found = np.zeros(len(at))
        for term in terms:
            word = self.reading.number.get(term.word, -2)
            there = at == word if term.where == "at" else (near == word).any(axis=1)
            found += term.weight * there
        return found


def makes_labels(index: Index) -> NDArray[np.bool_]:
    """(texts,) whether a text is of the half that makes labels; the others test them. Passages of one text are on one
    side."""
    places = index.texts.places
    return lots(places[:, 0], places[:, 1], 1, index.settings.seed) < 0.5


def score_of(evidence: Evidence, feature: int, terms: Sequence[Term]) -> Detected | None:
    """How well `terms` tell held-out tokens on which a feature is on from random ones on which it is off.

    None where there are fewer than three of either.
    """
    texts, positions = evidence.on(feature, making=False)
    off = evidence.off(feature)
    if len(texts) < FEWEST or len(off) < FEWEST:
        return None
    on = evidence.scores(evidence.words_at(texts, positions), evidence.words_near(texts, positions), terms)
    against = evidence.scores(evidence._seen_at[off], evidence._seen_near[off], terms)
    labels = np.concatenate([np.ones(len(on), dtype=int), np.zeros(len(against), dtype=int)])
    return Detected(auroc(labels, np.concatenate([on, against])), len(on), len(against))


def control_of(features: Sequence[int], seed: int) -> dict[int, int]:
    """For each feature another one, at random, whose label it is tried with."""
    order = np.random.default_rng(seed).permutation(len(features))
    if len(order) < 2:
        return {}
    return {features[one]: features[other] for one, other in zip(order, np.roll(order, 1), strict=True)}
