"""Which texts are a concept's positives and negatives, before anything is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.examples import Examples
from core.examples.grouping import group_rows


@dataclass(frozen=True, eq=False)
class Pool:
    """Negatives for every concept. texts: unlabelled, or all rows of a labelled set with `rows` those of its negatives.

    groups: (n,) as in the set.
    """

    id: str
    texts: tuple[str, ...]
    rows: np.ndarray
    groups: np.ndarray


@dataclass(frozen=True, eq=False)
class Source:
    """One concept's examples. texts: what is recorded, in one list per corpus, so that a set that was recorded for
    something else is found again. rows: per corpus, which of them are used. y, groups: of the used rows, joined.
    """

    name: str
    corpora: tuple[tuple[str, ...], ...]
    rows: tuple[np.ndarray, ...]
    y: np.ndarray
    groups: np.ndarray

    @property
    def texts(self) -> list[str]:
        """Of the used rows."""
        return [texts[row] for texts, rows in zip(self.corpora, self.rows, strict=True) for row in rows]

    def only(self, kept: np.ndarray) -> Source:
        """The same with some of its rows alone; kept: boolean (n,)."""
        ends = np.cumsum([len(rows) for rows in self.rows])[:-1]
        parts = np.split(kept, ends)
        rows = tuple(rows[part] for rows, part in zip(self.rows, parts, strict=True))
        return replace(self, rows=rows, y=self.y[kept], groups=self.groups[kept])


def pool_of(examples: Examples) -> Pool:
    """The negatives of a labelled set, as negatives for other concepts."""
    return Pool(examples.id, examples.texts, np.flatnonzero(examples.labels == 0), examples.groups)


def rival_of(examples: Examples) -> Pool:
    """The positives of a set as negatives for another: relative TCAV, concept against concept, with the same test."""
    return Pool(examples.id, examples.texts, np.flatnonzero(examples.labels == 1), examples.groups)


def pool_of_texts(id: str, texts: Sequence[str]) -> Pool:
    """All of a list of unlabelled texts."""
    return Pool(id, tuple(texts), np.arange(len(texts)), group_rows(texts))


def source_of_pool(pool: Pool) -> Source:
    """The pool alone, to draw random sets from; all its rows are negatives."""
    y = np.zeros(len(pool.rows), dtype=np.int64)
    return Source(pool.id, (pool.texts,), (pool.rows,), y, pool.groups[pool.rows])


def source_of(examples: Examples, pool: Pool | None = None) -> Source:
    """A concept: the positives of `examples` against its own negatives, or against a pool."""
    if pool is None or (pool.texts == examples.texts and not examples.labels[pool.rows].any()):
        rows = np.arange(len(examples.texts))
        return Source(examples.id, (examples.texts,), (rows,), examples.labels, examples.groups)
    positives = np.flatnonzero(examples.labels == 1)
    texts = [examples.texts[row] for row in positives] + [pool.texts[row] for row in pool.rows]
    names = [f"own {group}" for group in examples.groups[positives]]
    names += [f"pool {group}" for group in pool.groups[pool.rows]]
    y = np.repeat([1, 0], [len(positives), len(pool.rows)])
    return Source(examples.id, (examples.texts, pool.texts), (positives, pool.rows), y, group_rows(texts, names))
