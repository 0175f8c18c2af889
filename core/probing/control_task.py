"""Selectivity: how much better a probe learns the concept than labels that can only be memorised."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.examples import tidied

RUNS = 5
_WORD = re.compile(r"(?<![^\W\d_]['’])[^\W\d_]+")  # letters; not the "s" of "it's"


@dataclass(frozen=True)
class ControlTask:
    """A probe's accuracy on the concept beside that on a control task (Hewitt and Liang 2019).

    selectivity: accuracy - control_accuracy, -1 to 1; both on the test part, 0-1. High where the probe reads what the
    activations hold, near 0 where it is strong enough to learn any labelling of the words. control_lowest,
    control_highest: over the runs, each with labels drawn anew. words: different first content words. known: share of
    the test rows, 0-1, whose word stands in the train part; of the others no label can be known.
    """

    selectivity: float
    accuracy: float
    control_accuracy: float
    control_lowest: float
    control_highest: float
    runs: int
    words: int
    known: float


def content_word(text: str) -> str:
    """The first word that is no stop word (scikit-learn's English list), in small letters; else the first word.

    Words are letters up to an apostrophe; a text without any stands for itself.
    """
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    first = ""
    for found in _WORD.finditer(text):  # as far as needed: texts can be long
        word = found[0].casefold()
        if word not in ENGLISH_STOP_WORDS:
            return word
        first = first or word
    return first or tidied(text)


def word_numbers(texts: Sequence[str]) -> np.ndarray:
    """The number of each text's first content word, (n,)."""
    return np.unique([content_word(text) for text in texts], return_inverse=True)[1]


def control_labels(words: np.ndarray, y: np.ndarray, train: np.ndarray, seed: int, runs: int = RUNS) -> np.ndarray:
    """Random labels per word, the same in both parts, (runs, n) booleans; (0, n) where they cannot hold both classes.

    words, y: (n,). Each word is positive with the share of positives that the train part has, as Hewitt and Liang draw
    theirs from the true labels' frequencies; a draw that leaves the train part one class only is drawn anew.
    """
    rng = np.random.default_rng([seed, 1])
    share, n_words = float(np.mean(y[train] == 1)), int(words.max()) + 1
    drawn: list[np.ndarray] = []
    if len(np.unique(words[train])) > 1:
        while len(drawn) < runs:
            labels = (rng.random(n_words) < share)[words]
            if labels[train].any() and not labels[train].all():
                drawn.append(labels)
    return np.array(drawn, dtype=bool).reshape(len(drawn), len(words))
