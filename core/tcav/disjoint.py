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
    """The texts or images whose answers are asked about. items: m. groups: (m,), equal ones share one."""

    id: str
    items: tuple[Any, ...]
    groups: np.ndarray


def make_inputs(id: str, items: Sequence[Item], groups: np.ndarray | None = None) -> Inputs:
    """groups: (m,) of a set that has its own; by default equal texts, or images of equal content, are one group."""
    if not items:
        raise UserError(f"{id} holds nothing to ask about; give at least one input.")
    return Inputs(id, tuple(items), group_rows(list(map(content_of, items))) if groups is None else groups)


def content_of(item: Item) -> str:
    """What makes it this one and no other: equal for two spellings of a text, for an image and a crop of it."""
    return tidied(item) if isinstance(item, str) else item.content


def kept_inputs(inputs: Inputs, concepts: Iterable[Sequence[Item]]) -> np.ndarray:
    """Rows of the inputs that stay inputs, ascending, when `concepts` are the items of each concept's examples.

    What stands on both sides is used on one only. Which, is decided by a hash of its content, so that half of the
    shared ones stay inputs and half stay examples, the same ones every time: a set can thus be concept and inputs.
    """
    theirs = {content_of(item) for items in concepts for item in items}
    mine = list(map(content_of, inputs.items))
    return np.array([row for row, own in enumerate(mine) if own not in theirs or _stays_input(own)], dtype=np.int64)


def not_among(items: Sequence[Item], others: Sequence[Item]) -> np.ndarray:
    """Boolean (n,): which of `items` are not, in content, among `others`."""
    taken = set(map(content_of, others))
    return np.array([content_of(item) not in taken for item in items], dtype=bool)


def _stays_input(content: str) -> bool:
    return hashlib.sha256(content.encode("utf-8", errors="surrogatepass")).digest()[0] % 2 == 0
