"""Which rows belong together: a text that stands on both sides of a split would be a test on what was learnt."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def tidied(text: str) -> str:
    """`text` without what does not make it another text: Unicode form (NFC), white space and case."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def group_rows(texts: Sequence[str], own: Sequence[str] | None = None) -> NDArray[np.int64]:
    """Group numbers (n,), counted from 0 in the order in which they first appear.

    Two rows share a group if their texts are the same after `tidied`, or if their names in `own` are the same and
    not ''; and so on from row to row.
    """
    parent = list(range(len(texts)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    first: dict[tuple[str, str], int] = {}
    for row, text in enumerate(texts):
        keys = [("text", tidied(text))]
        if own is not None and own[row]:
            keys.append(("own", own[row]))
        for key in keys:
            one, other = root(first.setdefault(key, row)), root(row)
            parent[max(one, other)] = min(one, other)
    return numbered([root(row) for row in range(len(texts))])


def numbered(keys: Sequence[int]) -> NDArray[np.int64]:
    """Each key's number, (n,), counted from 0 in the order in which keys first appear."""
    number = {key: index for index, key in enumerate(dict.fromkeys(keys))}
    return np.array([number[key] for key in keys], dtype=np.int64)
