"""From recorded activations to rows that a finder can work with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.activations.sinks import SINK_RATIO
from core.errors import UserError
from core.examples import Examples

MOST_SINKS = 0.05  # share of the rows; where more are that long, length is what the texts are about, no accident


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of labelled examples that can be read, at one or more sites.

    X: per site (n, d) float32, finite, sinks shortened (see `without_sinks`). y: (n,) 0 or 1. groups: (n,).
    kept: (n,) their places in the examples. left_out: how many texts have no unmasked token, and so no activation.
    sinks: per site, how many rows were shortened.
    """

    X: list[np.ndarray]
    y: np.ndarray
    groups: np.ndarray
    kept: np.ndarray
    left_out: int
    sinks: tuple[int, ...]


def usable_rows(activations: Sequence[np.ndarray], examples: Examples) -> Rows:
    """Leave out the texts without an unmasked token, whose rows are NaN throughout, at every site alike.

    activations: one array (n, d) per site, in the order of the examples' texts. Raises UserError for numbers that
    overflowed, and for examples of which a class does not remain.
    """
    empty = np.zeros(len(examples.labels), dtype=bool)
    for X in activations:
        if X.shape[:1] != examples.labels.shape:
            raise ValueError(f"activations {X.shape} and {len(examples.labels)} labels do not belong together")
        empty |= np.isnan(X).all(axis=1)
    kept = np.flatnonzero(~empty)
    rows = list(activations) if not empty.any() else [X[kept] for X in activations]  # no second copy of many gigabytes
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
    shortened = [without_sinks(X) for X in rows]
    sinks = tuple(count for _, count in shortened)
    return Rows([X for X, _ in shortened], y, examples.groups[kept], kept, int(empty.sum()), sinks)


def without_sinks(X: np.ndarray) -> tuple[np.ndarray, int]:
    """X (n, d) with sinks shortened to the median length of its rows, and how many these are.

    In a text of two or three tokens no sink can be told from the others, so that it may be all that is pooled. After
    block 14 of smollm2 that befalls 38 of 52,500 texts; such a row is 5 to 180 times as long as the median, where none
    of the others reaches 3 times, and a single one holds up to .99 of a set's squared norm: it would be the mean. It
    is shortened and not left out, so that splits and folds do not depend on which layers are asked for.
    """
    lengths = np.linalg.norm(X.astype(np.float64), axis=1)
    middle = float(np.median(lengths)) if len(lengths) else 0.0
    sinks = lengths > SINK_RATIO * middle
    count = int(sinks.sum())
    if middle == 0 or not 0 < count <= max(1.0, MOST_SINKS * len(X)):
        return X, 0
    found = X.copy()
    found[sinks] *= (middle / lengths[sinks])[:, None].astype(X.dtype)
    return found, count


def shortened_to(X: np.ndarray) -> float | None:
    """To what length a further row is shortened that is a sink beside rows X (n, d) of `without_sinks`.

    None where none is: so many of X are long that length is what they are about.
    """
    lengths = np.linalg.norm(X.astype(np.float64), axis=1)
    middle = float(np.median(lengths))
    return middle if 0 < float(lengths.max()) <= SINK_RATIO * middle * (1 + 1e-6) else None
