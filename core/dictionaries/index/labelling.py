"""Automatic labels: the words that tell the tokens on which a feature is on from others. No language model is asked.

Texts are dealt into two halves. From the tokens of one half on which a feature is on, and random tokens beside them,
the words are chosen that speak most for it: the word at the token, and words near it. The label is then put to the test
on the other half (see `core.dictionaries.index.detection`), which had no part in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.dictionaries.index.best import lots
from core.dictionaries.index.detection import Evidence, control_of, score_of
from core.dictionaries.index.index import Index
from core.dictionaries.index.labels import Label, Term, write_labels
from core.dictionaries.index.reading import Reading, read_words
from core.progress import Listener, Progress, silent

if TYPE_CHECKING:
    from core.models import Model

BACKGROUND = 20_000  # random tokens that words are compared with
MOST_AT, MOST_NEAR = 5, 3  # words of a label
LEAST_AT, LEAST_NEAR = 0.05, 0.25  # share of the tokens that must have a word at them, or near them, for it to count
FEWEST = 3  # tokens on which a feature is on, in the half that makes labels
LEAST_WEIGHT = 1.0  # logarithm of odds below which a word says too little


@dataclass(frozen=True)
class Labelled:
    """labels: by feature. median, median_control: of the scores, and of another feature's label on the same tokens."""

    labels: dict[int, Label]

    def to_json(self) -> dict[str, Any]:
        """How many features have a label, how many were scored, and how well."""
        scored = [one for one in self.labels.values() if one.score is not None]
        controls = [one.control for one in scored if one.control is not None]
        scores = [one.score for one in scored if one.score is not None]
        return {
            "labelled": sum(bool(one.terms) for one in self.labels.values()),
            "scored": len(scored),
            "median": float(np.median(scores)) if scores else None,
            "above_0.8": float(np.mean(np.array(scores) >= 0.8)) if scores else None,
            "median_control": float(np.median(controls)) if controls else None,
            "control_above_0.8": float(np.mean(np.array(controls) >= 0.8)) if controls else None,
        }


def label_features(
    index: Index, model: Model, *, features: Sequence[int] | None = None, progress: Listener = silent
) -> Labelled:
    """Automatic labels of all features (or some), scored on held-out tokens and laid down with the index.

    Of the tokens that the index holds of a feature (the strongest, and those drawn evenly), those in one half of the
    texts make the label. A word's weight is the logarithm of the odds of finding it there over those among random
    tokens, half a count added to all; of the words above a weight of 1 those are taken that bring most evidence,
    share times weight. Raises UserError if the index is damaged.
    """
    evidence = evidence_of(index, model, progress=progress)
    wanted = range(index.n_features) if features is None else features
    background = _background(evidence)
    found: dict[int, Label] = {}
    for place, feature in enumerate(wanted):
        terms = _terms(evidence, feature, background)
        if terms is not None:
            found[feature] = Label(text_of(terms), "automatic", terms=terms)
        if place % 64 == 0:
            progress(Progress(place, len(wanted), "features", "finding words"))
    scored = _scored(evidence, found, index.settings.seed, progress)
    if features is None:
        about = {"generation": index.generation, "tokens": index.n_tokens, "background": BACKGROUND}
        write_labels(index.folder, scored, about)
    return Labelled(scored)


def evidence_of(index: Index, model: Model, *, progress: Listener = silent) -> Evidence:
    """The words around all tokens that an index holds, and in which half each of their texts lies."""
    return Evidence(index, read_words(index, model, progress=progress))


def text_of(terms: Sequence[Term]) -> str:
    """A label as it is read: words at the token in quotation marks, words near it after "near"."""
    at = ", ".join(f"“{term.word}”" for term in terms if term.where == "at")
    near = ", ".join(term.word for term in terms if term.where == "near")
    if at and near:
        return f"{at} near {near}"
    return at or (f"near {near}" if near else "")


@dataclass(frozen=True, eq=False)
class _Background:
    """How many of `size` random tokens have each word at them, and near them: (words,) each."""

    size: int
    at: NDArray[np.int64]
    near: NDArray[np.int64]


def _background(evidence: Evidence) -> _Background:
    reading = evidence.reading
    texts, positions = _random_tokens(reading, evidence.making, evidence.index.settings.seed)
    at, near = evidence.words_at(texts, positions), evidence.words_near(texts, positions)
    return _Background(len(texts), _counts(at[:, None], reading.n_words), _counts(near, reading.n_words))


def _random_tokens(reading: Reading, making: NDArray[np.bool_], seed: int) -> tuple[NDArray, NDArray]:
    """Tokens of the half that makes labels, drawn evenly."""
    lengths = np.where(making[reading.numbers], np.diff(reading.bounds), 0)
    texts = np.repeat(reading.numbers, lengths)
    positions = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    order = np.argsort(-lots(texts, positions, 0, seed + 1), kind="stable")[:BACKGROUND]
    return texts[order], positions[order]


def _terms(evidence: Evidence, feature: int, background: _Background) -> tuple[Term, ...] | None:
    """Words that speak for a feature, the strongest first; none if no word does, None if there are too few tokens."""
    texts, positions = evidence.on(feature, making=True)
    if len(texts) < FEWEST:
        return None
    at = _best(evidence.words_at(texts, positions)[:, None], background.at, background.size, MOST_AT, LEAST_AT)
    # A passage of which many tokens were drawn has its own rare words near all of them: each text counts once. What
    # stands at the token is near it, too, and need not be said twice.
    near_each = evidence.words_near(texts, positions)
    near = _best(
        _by_text(texts, near_each),
        background.near,
        background.size,
        MOST_NEAR,
        LEAST_NEAR,
        without={word for word, _ in at},
    )
    names = evidence.reading.words
    return (
        *(Term("at", names[word], weight) for word, weight in at),
        *(Term("near", names[word], weight) for word, weight in near),
    )


def _best(
    own: NDArray[np.int32],
    background: NDArray,
    size: int,
    most: int,
    least: float,
    without: set[int] | frozenset[int] = frozenset(),
) -> list[tuple[int, float]]:
    """(word, weight) of the words that bring most evidence. own: (n, w) words of each token, -1 for none. least: share
    of the n that must have a word."""
    n = len(own)
    words, counts = _distinct(own)
    p = (counts + 0.5) / (n + 1)
    q = (background[words] + 0.5) / (size + 1)
    weights = np.log(p / (1 - p)) - np.log(q / (1 - q))
    fine = (counts >= 2) & (weights >= LEAST_WEIGHT) & (counts >= least * n)
    order = np.lexsort((words, -(p * weights)))
    chosen = [place for place in order if fine[place] and int(words[place]) not in without][:most]
    return [(int(words[place]), float(weights[place])) for place in chosen]


def _by_text(texts: NDArray, own: NDArray[np.int32]) -> NDArray[np.int32]:
    """The words (n, w) of one token of each text: the first that was drawn."""
    return own[np.unique(texts, return_index=True)[1]]


def _distinct(own: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Words, and of how many rows each is one; twice in a row counts once."""
    ordered = np.sort(own, axis=1)
    fresh = np.ones(own.shape, dtype=bool)
    fresh[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    return np.unique(ordered[fresh & (ordered >= 0)].astype(np.int64), return_counts=True)


def _counts(own: NDArray[np.int32], n_words: int) -> NDArray[np.int64]:
    words, counts = _distinct(own)
    found = np.zeros(n_words, dtype=np.int64)
    found[words] = counts
    return found


def _scored(evidence: Evidence, labels: dict[int, Label], seed: int, progress: Listener) -> dict[int, Label]:
    """Each label with its AUROC on the other half, and that of another feature's label on the same tokens."""
    others = control_of([feature for feature, label in labels.items() if label.terms], seed)
    found = {}
    for place, (feature, label) in enumerate(labels.items()):
        tested = score_of(evidence, feature, label.terms) if label.terms else None
        other = labels[others[feature]].terms if feature in others else ()
        control = score_of(evidence, feature, other) if tested and other else None
        found[feature] = Label(
            label.text,
            "automatic",
            score=tested.auroc if tested else None,
            control=control.auroc if control else None,
            positives=tested.positives if tested else 0,
            negatives=tested.negatives if tested else 0,
            terms=label.terms,
        )
        if place % 64 == 0:
            progress(Progress(place, len(labels), "features", "testing labels"))
    progress(Progress(len(labels), len(labels), "features", "testing labels"))
    return found
