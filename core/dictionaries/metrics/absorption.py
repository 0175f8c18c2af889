"""Absorption: does the feature of a word's first letter go silent where a feature of the very word speaks in its place?

Chanin et al. 2024, "A is for Absorption". Words that are one token stand at the end of a line that spells others; there
a probe reads the first letter. The letter's main features are those that are on at its words; they are found on
one half of the words. On the other half, a word is absorbed if the probe is right, no main feature is on, and another
feature writes along the probe and carries most of what all codes together say of the letter. The paper finds that
feature by ablation; here it is read from codes and rows, as in SAEBench (Karvonen et al. 2025).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.dictionaries.dictionary import Dictionary
from core.dictionaries.index.pooled import Pooled, pooled_codes
from core.directions.logistic import Logistic
from core.errors import UserError
from core.progress import Listener, silent
from core.stats import auroc
from core.stats.means import mean_interval

if TYPE_CHECKING:
    from core.models import Model

FRAME = "The word tartan begins with T. The word mirth begins with M. The word"
PER_LETTER = 60  # words
FEWEST = 20  # words of a letter, below which it is left out
GAIN = 0.03  # of F1, by which one more main feature has to tell the letter better
MOST_MAIN = 5
CANDIDATES = 50  # features that tell a letter best by themselves, among which its main ones are looked for
ALIGNED = 0.025  # the smallest cosine with the probe of a feature that can absorb
MAIN_PART = 0.4  # the smallest part of what all codes say of the letter that it has to carry
PENALTY = 0.01  # scikit-learn's C
PARTS = ("absorbed", "control", "missed", "fraction")


@dataclass(frozen=True)
class Letter:
    """One letter.

    words: held-out words of it that the probe gets right. probe: its AUROC on held-out words. main: features, the best
    first; f1: how well their being on tells the letter, 0 to 1, on the half that chose them. missed: share of `words`
    at which none of them is on. absorbed: share at which, besides, another feature carries the letter; control: the
    same for the next letter's probe. fraction: mean over `words` of the part that other features, as many as there are
    main ones, have in what both kinds write along the probe.
    """

    letter: str
    words: int
    probe: float
    main: tuple[int, ...]
    f1: float
    missed: float
    absorbed: float
    control: float
    fraction: float


@dataclass(frozen=True)
class Absorption:
    """Means over letters; interval: 95% of `absorbed`, letters drawn again, None for a single one. unread: letters of
    which the probe gets no held-out word right, so that nothing can be said of them."""

    absorbed: float
    interval: tuple[float, float] | None
    control: float
    missed: float
    fraction: float
    letters: tuple[Letter, ...]
    unread: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def absorption(
    model: Model,
    dictionary: Dictionary,
    *,
    words: Sequence[str] | None = None,
    seed: int = 0,
    progress: Listener = silent,
) -> Absorption:
    """Measure with words of the model's own vocabulary, or with these.

    Raises UserError where fewer than two letters have 20 words, and for a dictionary that reads and rebuilds different
    places.
    """
    if dictionary.card.reads != dictionary.card.rebuilds:
        raise UserError(f"{dictionary.name!r} reads one place and rebuilds another: a probe cannot read both.")
    chosen = letter_words(model, seed=seed) if words is None else list(words)
    texts = [f"{FRAME} {word}" for word in chosen]
    codes = pooled_codes(model, dictionary, texts, pool="last", progress=progress)
    letters = np.array([word[0] for word in chosen])
    return absorbed(codes, dictionary.coder.W_dec.detach().cpu().numpy(), letters, seed=seed)


def letter_words(model: Model, *, seed: int = 0) -> list[str]:
    """Up to 60 words of each first letter that are one token: of lower case, three letters or more, drawn by `seed`."""
    from core.models import token_texts

    special = set(model.tokenizer.all_special_ids)
    every = token_texts(model, [id for id in range(len(model.tokenizer)) if id not in special])
    plain = sorted({text[1:] for text in every if text[:1] == " " and text[1:].isascii() and text[1:].isalpha()})
    plain = [word for word in plain if word.islower() and len(word) >= 3]
    chance, found = np.random.default_rng(seed), []
    for letter in sorted({word[0] for word in plain}):
        own = [word for word in plain if word[0] == letter]
        if len(own) >= FEWEST:
            found += [own[place] for place in sorted(chance.permutation(len(own))[:PER_LETTER].tolist())]
    return found


def absorbed(codes: Pooled, rows: NDArray[np.float32], letters: NDArray[np.str_], *, seed: int = 0) -> Absorption:
    """From codes of words (n,) and what features write (m, d). Raises UserError for fewer than two letters."""
    there = ~np.isnan(codes.means).any(axis=1)
    names = [one for one in np.unique(letters).tolist() if (there & (letters == one)).sum() >= FEWEST]
    if len(names) < 2:
        raise UserError(f"It takes two first letters with {FEWEST} words each to measure absorption.")
    there &= np.isin(letters, names)
    train = np.zeros(len(letters), dtype=bool)
    chance = np.random.default_rng(seed)
    for name in names:
        own = np.flatnonzero(there & (letters == name))
        train[chance.permutation(own)[: len(own) // 2]] = True
    x = codes.means.astype(np.float64)
    probes = {one: Logistic(c=PENALTY).fit(x[train], (letters[train] == one).astype(int), seed=seed) for one in names}
    test = there & ~train
    lengths = np.maximum(np.linalg.norm(rows, axis=1), 1e-30)
    found, unread = [], []
    for place, name in enumerate(names):
        y, along = letters == name, x @ probes[name]
        threshold = (along[train & y].mean() + along[train & ~y].mean()) / 2  # halfway between the classes
        right = np.flatnonzero(test & y & (along > threshold))
        if len(right) == 0:
            unread.append(name)
            continue
        main, f1 = _main(codes, y, train)
        here = _at(codes, rows, lengths, probes[name], main, right)
        other = _at(codes, rows, lengths, probes[names[(place + 1) % len(names)]], main, right)
        found.append(
            Letter(
                letter=name,
                words=len(right),
                probe=float(auroc(y[test], along[test])),
                main=tuple(main.tolist()),
                f1=f1,
                missed=float(here[0].mean()),
                absorbed=float(here[1].mean()),
                control=float(other[1].mean()),
                fraction=float(here[2].mean()),
            )
        )
    if not found:
        raise UserError("The probe gets no held-out word right: first letters cannot be read at this place.")
    means = {part: float(np.mean([getattr(one, part) for one in found])) for part in PARTS}
    interval = None
    if len(found) > 1:
        low, high = mean_interval([one.absorbed for one in found], seed=seed)
        interval = (float(low), float(high))
    return Absorption(interval=interval, letters=tuple(found), unread=tuple(unread), **means)


def _main(codes: Pooled, y: NDArray[np.bool_], train: NDArray[np.bool_]) -> tuple[NDArray[np.intp], float]:
    """Features whose being on, one or another of them, tells the letter best, added one by one while F1 gains .03."""
    on = (codes.values > 0).astype(np.float64)
    hits, alarms = (
        np.bincount(codes.features, weights=on * part[codes.rows], minlength=codes.n_features)
        for part in (train & y, train & ~y)
    )
    total = float((train & y).sum())
    alone = 2 * hits / np.maximum(hits + alarms + total, 1)
    candidates = np.argsort(-alone, kind="stable")[:CANDIDATES]
    shown = codes.of(candidates) > 0
    main: list[int] = []
    some, best = np.zeros(codes.n_texts, dtype=bool), 0.0
    while len(main) < MOST_MAIN:
        scores = [_f1(some | line, y, train) for line in shown]
        place = int(np.argmax(scores))
        if scores[place] < best + (GAIN if main else 1e-12):
            break
        best, some = scores[place], some | shown[place]
        main.append(int(candidates[place]))
    return np.array(main, dtype=np.intp), best


def _f1(on: NDArray[np.bool_], y: NDArray[np.bool_], rows: NDArray[np.bool_]) -> float:
    return float(2 * (on & y & rows).sum() / max((on & rows).sum() + (y & rows).sum(), 1))


def _at(
    codes: Pooled,
    rows: NDArray[np.float32],
    lengths: NDArray[np.float32],
    probe: NDArray[np.float64],
    main: NDArray[np.intp],
    words: NDArray[np.intp],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
    """At each of `words`: whether it is missed, whether it is absorbed, and what part absorbing features have."""
    writes = rows @ (probe / np.linalg.norm(probe)).astype(np.float32)
    can = writes / lengths >= ALIGNED
    can[main] = False
    missed, taken, fraction = (np.zeros(len(words), dtype=kind) for kind in (bool, bool, np.float64))
    by_word = np.argsort(codes.rows, kind="stable")
    bounds = np.searchsorted(codes.rows[by_word], np.arange(codes.n_texts + 1))
    for place, word in enumerate(words.tolist()):
        own = by_word[bounds[word] : bounds[word + 1]]
        features, values = codes.features[own], codes.values[own]
        said = np.maximum(values * writes[features], 0)
        of_main = said[np.isin(features, main)].sum()
        others = np.sort(said[can[features]])[::-1]
        missed[place] = not (values[np.isin(features, main)] > 0).any()
        taken[place] = missed[place] and len(others) > 0 and others[0] >= MAIN_PART * max(said.sum(), 1e-30)
        instead = others[: max(len(main), 1)].sum()
        fraction[place] = instead / (instead + of_main) if instead + of_main > 0 else 0.0
    return missed, taken, fraction
