"""The words of many texts as arrays, so that what words give away can be counted quickly and without a library.

Nothing here reads meaning: a word is a run of letters and digits, or one mark of punctuation, in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WORD = re.compile(r"\w+|[^\w\s]")
_ENDING = 40  # characters in which to look for the end of a sentence
# What a text looks like, whatever it says; counted like a word of its own.
LOOKS: dict[str, Callable[[str, str], bool]] = {
    "(begins with a capital)": lambda begun, _: begun.lstrip()[:1].isupper(),
    "(ends in . ! or ?)": lambda _, text: text[-_ENDING:].rstrip(" \n\r\t'\"”’)").endswith((".", "!", "?", "…")),
    "(has a line break)": lambda begun, _: "\n" in begun.strip(),
    "(has a digit)": lambda begun, _: re.search(r"\d", begun) is not None,
}


@dataclass(frozen=True, eq=False)
class Words:
    """vocabulary: v words, the looks first. row, word: (m,) one entry for each word of each text, in reading order, as
    numbers. starts: (n + 1,) where each text's entries begin. plain: (v,) whether it is letters or digits.
    """

    vocabulary: tuple[str, ...]
    row: NDArray[np.int64]
    word: NDArray[np.int64]
    starts: NDArray[np.int64]
    plain: NDArray[np.bool_]

    @property
    def n_texts(self) -> int:
        return len(self.starts) - 1


def read_words(texts: Sequence[str], *, cut: int) -> Words:
    """The words of the first `cut` characters of each text."""
    number: dict[str, int] = {look: place for place, look in enumerate(LOOKS)}
    flat: list[int] = []
    starts = np.zeros(len(texts) + 1, dtype=np.int64)
    for place, text in enumerate(texts):
        begun = text[:cut]
        flat += [index for index, look in enumerate(LOOKS.values()) if look(begun, text)]
        flat += [number.setdefault(word, len(number)) for word in WORD.findall(begun.lower())]
        starts[place + 1] = len(flat)
    row = np.repeat(np.arange(len(texts)), np.diff(starts))
    plain = np.array([word[0].isalnum() or word[0] == "_" for word in number], dtype=bool)
    return Words(tuple(number), row, np.array(flat, dtype=np.int64), starts, plain)


@dataclass(frozen=True, eq=False)
class Counts:
    """A sparse table, texts x words, by its non-zero entries: row, word (k,) int and value (k,) float."""

    row: NDArray[np.int64]
    word: NDArray[np.int64]
    value: NDArray[np.float64]
    shape: tuple[int, int]

    def times(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """The table times (words,): (texts,)."""
        return np.bincount(self.row, self.value * weights[self.word], self.shape[0]).astype(np.float64)

    def transposed_times(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """The table's transpose times (texts,): (words,)."""
        return np.bincount(self.word, self.value * weights[self.row], self.shape[1]).astype(np.float64)


def counts(words: Words) -> Counts:
    """How often each text holds each word."""
    size = len(words.vocabulary)
    keys, times = np.unique(words.row * size + words.word, return_counts=True)
    return Counts(keys // size, keys % size, times.astype(float), (words.n_texts, size))


def tfidf(table: Counts, train: NDArray[np.intp]) -> Counts:
    """(1 + log count) * idf, each text scaled to length 1; idf = log((1 + n) / (1 + texts with the word)) + 1.

    As scikit-learn's `TfidfVectorizer(sublinear_tf=True)`. The idf is taken from the `train` rows; words that do not
    stand there count 0.
    """
    learnt = np.zeros(table.shape[0], dtype=bool)
    learnt[train] = True
    frequency = np.bincount(table.word[learnt[table.row]], minlength=table.shape[1])
    idf = np.where(frequency > 0, np.log((1 + len(train)) / (1 + frequency)) + 1, 0.0)
    value = (1 + np.log(table.value)) * idf[table.word]
    length = np.sqrt(np.bincount(table.row, value**2, table.shape[0]))
    return Counts(table.row, table.word, value / np.maximum(length, 1e-12)[table.row], table.shape)


def ridge_scores(
    table: Counts, labels: NDArray[np.int64], train: NDArray[np.intp], *, strength: float = 1.0
) -> NDArray:
    """Scores (n,) of a ridge regression of the labels on the table, fitted on the `train` rows by conjugate gradients.

    The intercept is left out: it does not change the order of the scores, and labels are centred instead.
    """
    learnt = np.zeros(table.shape[0])
    learnt[train] = 1.0
    share = labels[train].mean()
    target = table.transposed_times(learnt * (labels - share))
    weights = np.zeros(table.shape[1])
    residual = target.copy()
    step, size = residual.copy(), float(residual @ residual)
    enough = 1e-8 * size
    for _ in range(100):
        if size <= enough:
            break
        turned = table.transposed_times(learnt * table.times(step)) + strength * step
        length = size / float(step @ turned)
        weights += length * step
        residual -= length * turned
        size, before = float(residual @ residual), size
        step = residual + size / before * step
    return table.times(weights)
