"""Concepts and target inputs must share no content: a score on the very texts that made the CAV flatters it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import UserError
from core.examples.grouping import group_rows, tidied


@dataclass(frozen=True, eq=False)
class Inputs:
    """The texts whose answers are asked about. texts: m, none blank. groups: (m,), equal texts share one."""

    id: str
    texts: tuple[str, ...]
    groups: np.ndarray


def make_inputs(id: str, texts: Sequence[str]) -> Inputs:
    if not texts:
        raise UserError(f"{id} holds no text to ask about; give at least one input.")
    return Inputs(id, tuple(texts), group_rows(texts))


def kept_inputs(inputs: Inputs, concepts: Iterable[Sequence[str]]) -> np.ndarray:
    """Rows of the inputs that stay inputs, ascending, when `concepts` are the texts of each concept's examples.

    A text that stands on both sides is used on one only. Which, is decided by a hash of the text, so that half of the
    shared ones stay inputs and half stay examples, the same ones every time: a set can thus be concept and inputs.
    """
    theirs = {tidied(text) for texts in concepts for text in texts}
    mine = [tidied(text) for text in inputs.texts]
    return np.array([row for row, text in enumerate(mine) if text not in theirs or _stays_input(text)], dtype=np.int64)


def not_among(texts: Sequence[str], others: Sequence[str]) -> np.ndarray:
    """Boolean (n,): which of `texts` are not, in content, among `others`."""
    taken = {tidied(text) for text in others}
    return np.array([tidied(text) not in taken for text in texts], dtype=bool)


def _stays_input(tidy: str) -> bool:
    return hashlib.sha256(tidy.encode("utf-8", errors="surrogatepass")).digest()[0] % 2 == 0
