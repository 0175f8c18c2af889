"""Which rows belong together: a text that stands on both sides of a split would be a test on what was learnt."""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable, Iterable, Sequence

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
    named = own if own is not None else [""] * len(texts)
    return joined(
        [("text", tidied(text)), ("own", name)] if name else [("text", tidied(text))]
        for text, name in zip(texts, named, strict=True)
    )


def joined(keys: Iterable[Iterable[Hashable]]) -> NDArray[np.int64]:
    """Group numbers (n,) of rows that have these keys: rows that share a key share a group, and so on from row to row.

    Time and memory are in proportion to the number of keys.
    """
    parent: list[int] = []

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    first: dict[Hashable, int] = {}
    for row, own in enumerate(keys):
        parent.append(row)
        for key in own:
            one, other = root(first.setdefault(key, row)), root(row)
            parent[max(one, other)] = min(one, other)
    return numbered([root(row) for row in range(len(parent))])


def numbered(keys: Sequence[int]) -> NDArray[np.int64]:
    """Each key's number, (n,), counted from 0 in the order in which keys first appear."""
    number = {key: index for index, key in enumerate(dict.fromkeys(keys))}
    return np.array([number[key] for key in keys], dtype=np.int64)
