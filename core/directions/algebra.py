"""Adding, subtracting, scaling and orthogonalising directions of one site."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from core import workspace
from core.directions.direction import Direction
from core.directions.expression import parse
from core.directions.library import list_directions, load_direction
from core.errors import UserError

CANCELLED = 1e-6  # of the size of what was combined: rounding, not a direction

Term = tuple[Direction, float]


def combine(
    terms: Sequence[Term], *, name: str, orthogonal_to: Sequence[Direction] = (), expression: str | None = None
) -> Direction:
    """The unit vector along `sum of coefficient x direction`, without what lies in the span of `orthogonal_to`.

    The directions enter with length 1, whatever their raw norms: those of different methods count in different
    units (activations, logits), and would weigh one another down. `raw_norm` of the result is the length of the sum
    of unit vectors before it was scaled to 1. The sum is projected onto the orthogonal complement of the span, so the
    order of `orthogonal_to` does not matter, and those that depend on one another are taken once.

    Raises UserError unless all are of one site of one model, and where nothing is left.
    """
    workspace.checked_name(name)
    if not terms:
        raise UserError("Name at least one direction to combine.")
    first = terms[0][0]
    for other in [*(direction for direction, _ in terms), *orthogonal_to]:
        check_same_site(first, other)
    total = np.sum([coefficient * direction.vector.astype(np.float64) for direction, coefficient in terms], axis=0)
    size = float(sum(abs(coefficient) for _, coefficient in terms))
    rest = _outside(total, [direction.vector.astype(np.float64) for direction in orthogonal_to])
    raw_norm = float(np.linalg.norm(rest))
    if not (np.isfinite(raw_norm) and raw_norm > CANCELLED * size):
        among = f" outside {', '.join(one.name for one in orthogonal_to)}" if orthogonal_to else ""
        raise UserError(f"Nothing is left of {expression or first.name!r}{among}: the directions cancel out.")
    return Direction(
        name=name,
        model_id=first.model_id,
        model_fingerprint=first.model_fingerprint,
        site=first.site,
        layer=first.layer,
        vector=(rest / raw_norm).astype(np.float32),
        raw_norm=raw_norm,
        method="combined",
        provenance={
            "origin": _words(terms, orthogonal_to) if expression is None else _named(expression, orthogonal_to),
            "terms": [_parent(direction) | {"coefficient": coefficient} for direction, coefficient in terms],
            "orthogonal_to": [_parent(direction) for direction in orthogonal_to],
            "units": "unit vectors: raw norms of the parents do not count",
            # Length of what was left over that of the sum, 0-1.
            "share_left": raw_norm / float(np.linalg.norm(total)),
            "architecture": first.provenance.get("architecture"),
            "held_out": {
                "auroc": None,
                "interval": None,
                "note": "Combined; how it reads was not measured.",
            },
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )


def orthogonalise(direction: Direction, against: Sequence[Direction], *, name: str) -> Direction:
    """`direction` without what lies in the span of `against`."""
    return combine([(direction, 1.0)], name=name, orthogonal_to=against)


def combine_saved(expression: str, *, name: str, orthogonal_to: Sequence[str] = ()) -> Direction:
    """As `combine`, from an expression over the names of saved directions (see expression.py), unsaved."""
    workspace.checked_name(name)
    terms = parse(expression)
    _refuse_unknown([*terms, *orthogonal_to])
    return combine(
        [(load_direction(parent), coefficient) for parent, coefficient in terms.items()],
        name=name,
        orthogonal_to=[load_direction(parent) for parent in orthogonal_to],
        expression=" ".join(expression.split()),
    )


def check_same_site(one: Direction, other: Direction) -> None:
    """Raise UserError, naming both, unless the two are vectors of the same space."""
    places = [(d.model_fingerprint, d.site, d.width) for d in (one, other)]
    if places[0] != places[1]:
        raise UserError(
            f"{_placed(one)} and {_placed(other)} cannot be combined: only directions of one site of one model can, so"
            " make one of them anew at the site of the other."
        )


def cosines(directions: Sequence[Direction]) -> np.ndarray:
    """Cosines between directions of one model and width, (n, n), -1 to 1. NaN for two that share no space."""
    found = np.full((len(directions), len(directions)), np.nan)
    for i, one in enumerate(directions):
        for j, other in enumerate(directions):
            if (one.model_fingerprint, one.width) == (other.model_fingerprint, other.width):
                found[i, j] = np.clip(one.vector.astype(np.float64) @ other.vector.astype(np.float64), -1, 1)
    return found


def _outside(vector: np.ndarray, others: Sequence[np.ndarray]) -> np.ndarray:
    """The part of `vector` (d,) that is orthogonal to all of `others`."""
    if not others:
        return vector
    _, sizes, basis = np.linalg.svd(np.stack(others), full_matrices=False)
    basis = basis[sizes > CANCELLED * sizes[0]]
    for _ in range(2):  # the second time takes off what rounding left
        vector = vector - basis.T @ (basis @ vector)
    return vector


def _refuse_unknown(names: Sequence[str]) -> None:
    known = {one.name for one in list_directions()}
    for name in names:
        if name not in known and set(name) & set("+-"):
            raise UserError(
                f"There is no direction called {name!r}; if it is meant to be a sum or a difference, write spaces "
                "around + and -."
            )


def _placed(direction: Direction) -> str:
    model = f"{direction.model_id} {direction.model_fingerprint[:8]}"
    return f"{direction.name!r} ({model}, {direction.site}, width {direction.width})"


def _parent(direction: Direction) -> dict[str, Any]:
    """What is kept of a parent: enough to tell later whether a direction of its name is still the same."""
    return {
        "name": direction.name,
        "method": direction.method,
        "origin": direction.origin,
        "raw_norm": direction.raw_norm,
        "digest": direction.digest,
    }


def _words(terms: Sequence[Term], orthogonal_to: Sequence[Direction]) -> str:
    said = " + ".join(one.name if factor == 1 else f"{factor:g}*{one.name}" for one, factor in terms)
    return _named(said.replace("+ -", "- "), orthogonal_to)


def _named(expression: str, orthogonal_to: Sequence[Direction]) -> str:
    outside = ", ".join(one.name for one in orthogonal_to)
    return f"{expression}, orthogonal to {outside}" if outside else expression
