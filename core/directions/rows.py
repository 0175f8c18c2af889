"""From recorded activations to rows that a finder can work with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import UserError
from core.examples import Examples


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of labelled examples that can be read, at one or more sites.

    X: per site (n, d) float32, finite. y: (n,) 0 or 1. groups: (n,). kept: (n,) their places in the examples.
    left_out: how many texts have no unmasked token, and so no activation.
    """

    X: list[np.ndarray]
    y: np.ndarray
    groups: np.ndarray
    kept: np.ndarray
    left_out: int


def usable_rows(activations: Sequence[np.ndarray], examples: Examples) -> Rows:
    """Leave out the texts without an unmasked token: their rows are NaN throughout, at every site alike.

    activations: one array (n, d) per site, in the order of the examples' texts. Raises UserError for numbers that
    overflowed, and for examples of which a class does not remain.
    """
    empty = np.zeros(len(examples.labels), dtype=bool)
    for X in activations:
        if X.shape[:1] != examples.labels.shape:
            raise ValueError(f"activations {X.shape} and {len(examples.labels)} labels do not belong together")
        empty |= np.isnan(X).all(axis=1)
    kept = np.flatnonzero(~empty)
    rows = [X[kept] for X in activations]
    for X in rows:
        bad = np.flatnonzero(~np.isfinite(X).all(axis=1))
        if len(bad):
            text = examples.texts[kept[bad[0]]]
            raise UserError(
                f"The activations of {len(bad)} of {len(kept)} texts hold NaN or infinite values, the first is"
                f" {text[:60]!r}: open the model in float32, or leave these texts out."
            )
    y = examples.labels[kept]
    for label, name in ((1, "positives"), (0, "negatives")):
        if not (y == label).any():
            raise UserError(f"{examples.title or examples.id} holds no {name} that can be read; add some.")
    return Rows(rows, y, examples.groups[kept], kept, int(empty.sum()))
