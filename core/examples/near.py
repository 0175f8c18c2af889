"""Texts that are nearly the same: a probe tested on the twin of what it learnt is not tested.

Three-word runs are hashed; MinHash signatures (Broder 1997) find candidates in time proportional to the number of
texts, and the candidates' true overlap (Jaccard index of their runs) decides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.examples.words import Words

ALIKE = 0.6  # share of three-word runs that two texts have in common, of all that either has
FEWEST = 5  # words: shorter texts are compared as wholes only, by grouping
_RUN, _BANDS, _DEEP = 3, 16, 3
_MOST_CHECKED = 20_000


def near_pairs(words: Words) -> NDArray[np.int64]:
    """Pairs (p, 2) of rows that share at least ALIKE of their runs, the smaller number first, sorted.

    Of a set of texts that are all alike, each is paired with some of the others, not with all.
    """
    starts, runs = _runs(words)
    rows = np.flatnonzero(np.diff(starts) >= FEWEST - _RUN + 1)
    if len(rows) < 2:
        return np.empty((0, 2), dtype=np.int64)
    signatures = _signatures(starts, runs, rows)
    pairs = _candidates(signatures)
    # The signatures' agreement estimates the overlap; well below there is no need to look.
    agree = np.concatenate(
        [(signatures[part[:, 0]] == signatures[part[:, 1]]).mean(axis=1) for part in np.array_split(pairs, 64)]
    )
    pairs = pairs[agree >= ALIKE - 0.2]
    sets: dict[int, set[int]] = {}
    found = []
    for one, other in rows[pairs[:_MOST_CHECKED]].tolist():
        for row in (one, other):
            if row not in sets:
                sets[row] = set(runs[starts[row] : starts[row + 1]].tolist())
        shared = len(sets[one] & sets[other])
        if shared >= ALIKE * (len(sets[one]) + len(sets[other]) - shared):
            found.append((one, other))
    return np.array(sorted(found), dtype=np.int64).reshape(-1, 2)


def _runs(words: Words) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Hashes of every three words in a row, punctuation left out: where each text's begin (n + 1,), and they."""
    kept = words.plain[words.word]
    row, word = words.row[kept], words.word[kept].astype(np.uint64)
    if len(word) < _RUN:
        return np.zeros(words.n_texts + 1, dtype=np.int64), np.empty(0, dtype=np.uint64)
    whole = row[: 1 - _RUN] == row[_RUN - 1 :]
    hashed = np.zeros(len(whole), dtype=np.uint64)
    for place in range(_RUN):
        hashed = _mixed(hashed + word[place : len(word) - _RUN + 1 + place] + np.uint64(1))
    counted = np.bincount(row[: 1 - _RUN][whole], minlength=words.n_texts)
    return np.concatenate([[0], np.cumsum(counted)]), hashed[whole]


def _signatures(starts: NDArray[np.int64], runs: NDArray[np.uint64], rows: NDArray[np.intp]) -> NDArray[np.uint64]:
    """(rows, _BANDS * _DEEP): the least hash of each text's runs under each of so many hash functions."""
    # reduceat takes each part to the next start, so only texts with runs may stand between.
    filled = np.flatnonzero(np.diff(starts) > 0)
    place = np.searchsorted(filled, rows)
    columns = [
        np.minimum.reduceat(_mixed(runs + np.uint64(7919 * seed + 1)), starts[filled])[place]
        for seed in range(_BANDS * _DEEP)
    ]
    return np.stack(columns, axis=1)


def _candidates(signatures: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Pairs that agree in all hashes of some band: each row with the first and with the last before it of its like."""
    pairs = []
    for band in range(_BANDS):
        key = np.zeros(len(signatures), dtype=np.uint64)
        for column in range(band * _DEEP, (band + 1) * _DEEP):
            key = _mixed(key + signatures[:, column])
        order = np.argsort(key, kind="stable")
        same = key[order][1:] == key[order][:-1]
        first = np.concatenate([[0], np.flatnonzero(~same) + 1])
        first_of = order[first[np.searchsorted(first, np.arange(len(order)), side="right") - 1]]
        pairs.append(np.stack([order[:-1][same], order[1:][same]], axis=1))
        pairs.append(np.stack([first_of[1:][same], order[1:][same]], axis=1))
    return np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hashes of numbers (splitmix64, Steele, Lea and Flood 2014); overflow is meant."""
    values = (values + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
