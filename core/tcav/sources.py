"""Which texts or images are a concept's positives and negatives, before anything is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from core.errors import UserError
from core.examples import Examples
from core.examples.grouping import group_rows
from core.tcav.disjoint import Item, content_of

if TYPE_CHECKING:
    from core.examples import ImageExamples

Labelled: TypeAlias = "Examples | ImageExamples"  # a labelled set of texts, or of images


@dataclass(frozen=True, eq=False)
class Pool:
    """Negatives for every concept. items: unlabelled, or all rows of a labelled set with `rows` those of its negatives.

    groups: (n,) as in the set.
    """

    id: str
    items: tuple[Any, ...]
    rows: np.ndarray
    groups: np.ndarray


@dataclass(frozen=True, eq=False)
class Source:
    """One concept's examples. corpora: what is recorded, in one list per corpus, so that a set that was recorded for
    something else is found again. rows: per corpus, which of them are used. y, groups: of the used rows, joined.
    kin: as in Concept.
    """

    name: str
    corpora: tuple[tuple[Any, ...], ...]
    rows: tuple[np.ndarray, ...]
    y: np.ndarray
    groups: np.ndarray
    kin: frozenset[str] = frozenset()

    @property
    def items(self) -> list[Any]:
        """Of the used rows."""
        return [items[row] for items, rows in zip(self.corpora, self.rows, strict=True) for row in rows]

    def only(self, kept: np.ndarray) -> Source:
        """The same with some of its rows alone; kept: boolean (n,)."""
        ends = np.cumsum([len(rows) for rows in self.rows])[:-1]
        parts = np.split(kept, ends)
        rows = tuple(rows[part] for rows, part in zip(self.rows, parts, strict=True))
        return replace(self, rows=rows, y=self.y[kept], groups=self.groups[kept])


def items_of(examples: Labelled) -> tuple[Any, ...]:
    """The texts or the images of a set."""
    return examples.texts if isinstance(examples, Examples) else examples.images


def pool_of(examples: Labelled) -> Pool:
    """The negatives of a labelled set, as negatives for other concepts.

    Raises UserError if there are none.
    """
    if not examples.n_negatives:
        raise UserError(f"{examples.id} holds no negatives; name another set, such as patches/random.")
    return Pool(examples.id, items_of(examples), np.flatnonzero(examples.labels == 0), examples.groups)


def rival_of(examples: Labelled) -> Pool:
    """The positives of a set as negatives for another: relative TCAV, concept against concept, with the same test."""
    return Pool(examples.id, items_of(examples), np.flatnonzero(examples.labels == 1), examples.groups)


def pool_of_texts(id: str, texts: Sequence[str]) -> Pool:
    """All of a list of unlabelled texts."""
    return Pool(id, tuple(texts), np.arange(len(texts)), group_rows(texts))


def source_of_pool(pool: Pool) -> Source:
    """The pool alone, to draw random sets from; all its rows are negatives."""
    y = np.zeros(len(pool.rows), dtype=np.int64)
    return Source(pool.id, (pool.items,), (pool.rows,), y, pool.groups[pool.rows])


def source_of(examples: Labelled, pool: Pool | None = None) -> Source:
    """A concept: the positives of `examples` against its own negatives, or against a pool.

    Raises UserError for a set without negatives and no pool.
    """
    items, labels, groups = items_of(examples), examples.labels, examples.groups
    if pool is None or (pool.items == items and not labels[pool.rows].any()):
        if not examples.n_negatives:
            raise UserError(f"{examples.id} holds no negatives; name some for it, such as patches/random.")
        if isinstance(examples, Examples):
            return Source(examples.id, (items,), (np.arange(len(items)),), labels, groups)
        # Many sets of images share their negatives, which are then recorded once.
        places = [np.flatnonzero(labels == label) for label in (1, 0)]
        corpora = tuple(tuple(items[row] for row in rows) for rows in places)
        together = np.concatenate(places)
        counted = tuple(np.arange(len(part)) for part in corpora)
        return Source(examples.id, corpora, counted, labels[together], groups[together])
    positives = np.flatnonzero(labels == 1)
    used = [*(items[row] for row in positives), *(pool.items[row] for row in pool.rows)]
    names = [f"own {group}" for group in groups[positives]]
    names += [f"pool {group}" for group in pool.groups[pool.rows]]
    y = np.repeat([1, 0], [len(positives), len(pool.rows)])
    own, rows = _own_corpus(examples, positives)
    return Source(examples.id, (own, pool.items), (rows, pool.rows), y, group_rows(_contents(used), names))


def _own_corpus(examples: Labelled, positives: np.ndarray) -> tuple[tuple[Any, ...], np.ndarray]:
    """What is recorded for the positives, and which of it they are: a set of texts is often at hand as a whole."""
    if isinstance(examples, Examples):
        return examples.texts, positives
    return tuple(examples.images[row] for row in positives), np.arange(len(positives))


def _contents(items: Sequence[Item]) -> list[str]:
    return list(map(content_of, items))
