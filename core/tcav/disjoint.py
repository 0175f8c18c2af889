"""Concepts and target inputs must share no content: a score on the very examples that made the CAV flatters it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from core.errors import UserError
from core.examples.grouping import group_rows, tidied

if TYPE_CHECKING:
    from core.examples import Image

Item: TypeAlias = "str | Image"  # a text, or an image


@dataclass(frozen=True, eq=False)
class Inputs:
    """The texts or images whose answers are asked about. items: m. groups: (m,), equal ones share one.

    whole: (m,) what the items were before they were cut (see `cut_at_mark`); the items themselves where they were not.
    """

    id: str
    items: tuple[Any, ...]
    groups: np.ndarray
    whole: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        if not self.whole:
            object.__setattr__(self, "whole", self.items)

    @property
    def cut(self) -> bool:
        """Whether any of them was."""
        return self.whole != self.items

    def taken(self, rows: np.ndarray) -> tuple[Any, ...]:
        """What no example may be, if these rows (k,) are inputs: the items, and what they were before the cut."""
        found = tuple(self.items[row] for row in rows)
        return (*found, *(self.whole[row] for row in rows)) if self.cut else found


def make_inputs(
    id: str, items: Sequence[Item], groups: np.ndarray | None = None, *, whole: Sequence[Item] | None = None
) -> Inputs:
    """groups: (m,) of a set that has its own; equal texts are one group in any case, and so are images of equal content
    where there are no groups. whole: (m,) what the items were before they were cut, which is what no example may be.

    Raises UserError if there are no items.
    """
    if not items:
        raise UserError(f"{id} holds nothing to ask about; give at least one input.")
    if groups is None or isinstance(items[0], str):
        # A cut makes texts equal that were none before: groups of the set are joined with those.
        groups = group_rows(list(map(content_of, items)), None if groups is None else list(map(str, groups)))
    return Inputs(id, tuple(items), groups, tuple(items if whole is None else whole))


def content_of(item: Item) -> str:
    """What makes it this one and no other: equal for two spellings of a text, for an image and a crop of it."""
    return tidied(item) if isinstance(item, str) else item.content


def kept_inputs(inputs: Inputs, concepts: Iterable[Sequence[Item]]) -> np.ndarray:
    """Rows of the inputs that stay inputs, ascending, when `concepts` are the items of each concept's examples.

    What stands on both sides is used on one only. Which, is decided by a hash of its content, so that half of the
    shared ones stay inputs and half stay examples, the same ones every time: a set can thus be concept and inputs.
    An input that was cut is one of them if it was before, or is now.
    """
    theirs = {content_of(item) for items in concepts for item in items}
    mine = [{content_of(item), content_of(whole)} for item, whole in zip(inputs.items, inputs.whole, strict=True)]
    return np.array([row for row, own in enumerate(mine) if all(map(_stays_input, own & theirs))], dtype=np.int64)


def not_among(items: Sequence[Item], others: Sequence[Item]) -> np.ndarray:
    """Boolean (n,): which of `items` are not, in content, among `others`."""
    taken = set(map(content_of, others))
    return np.array([content_of(item) not in taken for item in items], dtype=bool)


def _stays_input(content: str) -> bool:
    return hashlib.sha256(content.encode("utf-8", errors="surrogatepass")).digest()[0] % 2 == 0
