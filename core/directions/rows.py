"""From recorded activations to rows that a finder can work with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.activations.pooling import SINK_RATIO
from core.errors import UserError
from core.examples import Examples

MOST_SINKS = 0.05  # share of the rows; where more are that long, length is what the texts are about, not an accident


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of labelled examples that can be read, at one or more sites.

    X: per site (n, d) float32, finite. y: (n,) 0 or 1. groups: (n,). kept: (n,) their places in the examples.
    left_out: how many texts have no unmasked token, and so no activation, or are sinks (see `sink_rows`).
    """

    X: list[np.ndarray]
    y: np.ndarray
    groups: np.ndarray
    kept: np.ndarray
    left_out: int


def usable_rows(activations: Sequence[np.ndarray], examples: Examples) -> Rows:
    """Leave out the texts without an unmasked token, whose rows are NaN throughout, and sinks at any of the sites.

    activations: one array (n, d) per site, in the order of the examples' texts. Raises UserError for numbers that
    overflowed, and for examples of which a class does not remain.
    """
    empty = np.zeros(len(examples.labels), dtype=bool)
    for X in activations:
        if X.shape[:1] != examples.labels.shape:
            raise ValueError(f"activations {X.shape} and {len(examples.labels)} labels do not belong together")
        empty |= np.isnan(X).all(axis=1)
    for X in activations:
        empty |= sink_rows(X, ~empty)
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


def sink_rows(X: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Which rows of X (n, d) are sinks: longer than 5 times the median of those that are `counted`. Boolean (n,).

    In a text of two or three tokens no sink can be told from the others, so that it may be all that is pooled. In
    smollm2 after block 14 that befalls 38 of 52,500 texts; such a row is 5 to 180 times as long as the others, none of
    which reaches 3 times, and a single one holds up to .99 of a set's squared norm. Overflown rows are not judged.
    """
    lengths = np.where(counted, np.linalg.norm(X.astype(np.float64), axis=1), np.nan)
    found: np.ndarray = np.isfinite(lengths)
    if not found.any():
        return found
    found &= lengths > SINK_RATIO * np.median(lengths[found])
    return found if found.sum() <= max(1.0, MOST_SINKS * counted.sum()) else np.zeros_like(found)
