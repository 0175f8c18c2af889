"""A concept as its test sees it: labelled activations at one or more sites, whatever they were recorded from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.activations.sinks import SINK_RATIO
from core.errors import UserError

FEWEST = 4  # groups per class below which neither folds nor permutations would say anything
ENOUGH = 50  # groups per class from which the test has found what there is, in our measurements (docs/tcav.md)


@dataclass(frozen=True, eq=False)
class Concept:
    """Positives and negatives of one concept.

    X: per site (n, d) float, finite. y: (n,), 1 positive, 0 negative. groups: (n,) integers; rows of one group are
    split, permuted and bootstrapped together. left_out: rows that could not be used, by why. kin: names of concepts
    that this one is made of, so that it cannot stand for "another concept" beside them.
    """

    name: str
    X: tuple[np.ndarray, ...]
    y: np.ndarray
    groups: np.ndarray
    left_out: dict[str, int]
    kin: frozenset[str] = frozenset()

    @property
    def n_positives(self) -> int:
        return int(self.y.sum())

    @property
    def n_negatives(self) -> int:
        return len(self.y) - self.n_positives

    def rows(self, chosen: np.ndarray) -> Concept:
        """The same with some rows alone, given by number or by boolean mask."""
        X = tuple(part[chosen] for part in self.X)
        return replace(self, X=X, y=self.y[chosen], groups=self.groups[chosen])


def make_concept(
    name: str,
    X: Sequence[np.ndarray],
    y: np.ndarray,
    groups: np.ndarray,
    norms: Sequence[float],
    *,
    left_out: dict[str, int] | None = None,
    one_class: bool = False,
    kin: frozenset[str] = frozenset(),
) -> Concept:
    """A concept of recorded rows, without those that cannot be used.

    X: per site (n, d); a row of NaN had no position to pool. norms: each site's typical norm. A row whose norm is
    above 5 times that is a sink: within a text of two or three tokens none can be told from the others, and one such
    row holds more variance than thousands of ordinary ones. A row is left out at all sites or at none. one_class: these
    are no concept yet, but rows to draw from.

    Raises UserError for fewer than 4 groups of a class.
    """
    finite = np.all([np.isfinite(part).all(axis=1) for part in X], axis=0)
    with np.errstate(invalid="ignore"):
        sinks = np.any(
            [np.linalg.norm(part, axis=1) > SINK_RATIO * norm for part, norm in zip(X, norms, strict=True)], axis=0
        )
    kept = np.flatnonzero(finite & ~sinks)
    counted = {"nothing to pool": int((~finite).sum()), "sinks": int((finite & sinks).sum())}
    concept = Concept(
        name,
        tuple(np.asarray(part[kept], dtype=np.float64) for part in X),
        np.asarray(y)[kept],
        np.asarray(groups)[kept],
        {**(left_out or {}), **{why: count for why, count in counted.items() if count}},
        kin,
    )
    if not one_class:
        check_size(concept)
    return concept


def check_size(concept: Concept) -> None:
    """Raise UserError unless both classes have 4 groups."""
    for label, which in ((1, "positives"), (0, "negatives")):
        found = len(np.unique(concept.groups[concept.y == label]))
        if found < FEWEST:
            why = ", ".join(f"{count} left out ({reason})" for reason, count in concept.left_out.items())
            raise UserError(
                f"{concept.name} holds only {found} independent {which} that can be used{f'; {why}' if why else ''}:"
                f" TCAV needs {FEWEST} at the least, and {ENOUGH} or more to find much."
            )
