"""Checks for texts that nearly repeat others: within a set, and between a set to learn from and one to test on."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.examples.examples import Examples
from core.examples.finding import Finding, plural, some
from core.examples.grouping import joined, tidied
from core.examples.near import near_pairs
from core.examples.words import Words, read_words

LEAKS = 0.02  # share of the test rows that have a twin in training
CUT, MOST = 600, 20_000  # characters and rows that are compared


def near_repeats(
    examples: Examples,
    rows: NDArray[np.intp],
    words: Words,
    parts: tuple[NDArray[np.intp], NDArray[np.intp]] | None,
) -> Finding | None:
    """Texts that are nearly the same but stand in different groups, so that a split may part them.

    rows: the examples' rows that `words` were read from. parts: places in `rows` that probing trains and tests on.
    """
    pairs = _of_different_groups(near_pairs(words), examples.groups[rows])
    if not len(pairs):
        return None
    touched = np.unique(pairs)
    share, leaking = 0.0, ""
    if parts is not None:
        tested = np.isin(pairs, parts[1])
        parted = np.where(tested[:, 0], pairs[:, 0], pairs[:, 1])[tested.sum(axis=1) == 1]
        share = len(np.unique(parted)) / len(parts[1])
        leaking = f"; {share:.1%} of the test part have such a twin in the training part"
    torn = int((examples.labels[rows[pairs[:, 0]]] != examples.labels[rows[pairs[:, 1]]]).sum())
    across = f" ({plural(torn, 'pair')} across the classes)" if torn else ""
    by_pair = list(dict.fromkeys(rows[pairs].ravel().tolist()))
    return Finding(
        "near repeats",
        "warning" if share > LEAKS else "note",
        f"{plural(len(touched), 'text is', 'texts are')} nearly the same as another{across}{leaking}.",
        "Save the set with near repeats grouped, so that no split parts them.",
        len(touched),
        some(by_pair),
    )


def join_near_repeats(examples: Examples) -> Examples:
    """The same examples with texts that are nearly the same in one group."""
    keys: list[list[Hashable]] = [[("group", group)] for group in examples.groups.tolist()]
    for number, pair in enumerate(near_pairs(read_words(examples.texts, cut=CUT)).tolist()):
        for row in pair:
            keys[row].append(("pair", number))
    groups = joined(keys)
    groups.setflags(write=False)
    fewer = int(examples.groups.max() - groups.max())
    note = f"{plural(fewer, 'group was', 'groups were')} joined to others, since their texts are nearly the same."
    return replace(examples, groups=groups, notes=(*examples.notes, note) if fewer else examples.notes)


def overlap(train: Examples, test: Examples) -> Finding | None:
    """Texts of `test` that also stand, or nearly so, in `train`: a transfer score is too good by them.

    rows are those of `test`.
    """
    known = {tidied(text) for text in train.texts}
    same = {row for row, text in enumerate(test.texts) if tidied(text) in known}
    first, second = train.texts[:MOST], test.texts[:MOST]
    pairs = near_pairs(read_words([*first, *second], cut=CUT))
    across = pairs[(pairs[:, 0] < len(first)) & (pairs[:, 1] >= len(first))]
    rows = sorted(same | set((across[:, 1] - len(first)).tolist()))
    if not rows:
        return None
    return Finding(
        "overlap",
        "warning" if len(rows) > LEAKS * len(test) else "note",
        f"{len(rows):,} of the {plural(len(test), 'text')} of {test.title} ({len(rows) / len(test):.1%}) also"
        f" {'stands' if len(rows) == 1 else 'stand'}, or nearly so, in {train.title}, which is trained on.",
        "Read the score without these rows, or take them out of one of the sets.",
        len(rows),
        some(rows),
    )


def _of_different_groups(pairs: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    return pairs[groups[pairs[:, 0]] != groups[pairs[:, 1]]]
