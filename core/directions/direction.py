"""A direction: a unit vector at one site of one model, and where it comes from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from core.directions.check import Check
from core.errors import UserError
from core.models import KINDS, Site

if TYPE_CHECKING:
    from core.models import Model


@dataclass(frozen=True, eq=False)
class Direction:
    """A unit vector at one site of one model.

    vector: (d,) float32, of length 1, read-only; positives have the higher `activation @ vector`. raw_norm: length
    of the vector before it was scaled to 1, in units of its method's own (see docs/directions.md). site: as
    `str(Site)`. layer: the block, counted from 0. method: its name in METHODS, or "combined" or "imported".
    provenance: plain JSON that says how it was made (see `make_direction`), perhaps by others: take care what it holds.
    """

    name: str
    model_id: str
    model_fingerprint: str
    site: str
    layer: int
    vector: np.ndarray = field(repr=False)
    raw_norm: float
    method: str
    provenance: dict[str, Any] = field(repr=False)

    def __post_init__(self) -> None:
        self.vector.setflags(write=False)

    @property
    def width(self) -> int:
        return len(self.vector)

    @property
    def auroc(self) -> float | None:
        """AUROC, 0-1, of a direction fitted on the train part, scored on the held-out part; None if not measured."""
        return self._part("held_out").get("auroc")

    @property
    def interval(self) -> tuple[float, float] | None:
        """95% interval of `auroc`; None if not measured."""
        ends = self._part("held_out").get("interval")
        if isinstance(ends, list) and len(ends) == 2 and all(isinstance(end, int | float) for end in ends):
            return float(ends[0]), float(ends[1])
        return None

    @property
    def note(self) -> str:
        """Why `auroc` is None; "" where nothing is said."""
        return str(self._part("held_out").get("note") or "")

    @property
    def checks(self) -> tuple[Check, ...]:
        """What its method measured of it besides, as far as the record is sound."""
        kept = self.provenance.get("checks")
        found = (Check.from_json(one) for one in kept) if isinstance(kept, list) else ()
        return tuple(check for check in found if check is not None)

    @property
    def examples(self) -> str | None:
        """Id of the examples that it was made from; None if it was made from something else."""
        id = self._part("examples").get("id")
        return None if id is None else str(id)

    @property
    def origin(self) -> str:
        """From what it was made, in a few words."""
        said = self.provenance.get("origin") or self._part("examples").get("title") or self.examples
        return str(said or "unknown")

    @property
    def created(self) -> str | None:
        """When it was made, as ISO 8601 in UTC; None if that is not known."""
        created = self.provenance.get("created")
        return created if isinstance(created, str) else None

    @property
    def digest(self) -> str:
        """24 hexadecimal digits of the vector's bytes."""
        return hashlib.sha256(self.vector.tobytes()).hexdigest()[:24]

    def _part(self, name: str) -> dict[str, Any]:
        part = self.provenance.get(name)
        return part if isinstance(part, dict) else {}

    def to_json(self) -> dict[str, Any]:
        """Everything but the vector."""
        return {
            "name": self.name,
            "model_id": self.model_id,
            "model_fingerprint": self.model_fingerprint,
            "site": self.site,
            "layer": self.layer,
            "width": self.width,
            "raw_norm": self.raw_norm,
            "method": self.method,
            "auroc": self.auroc,
            "examples": self.examples,
            "provenance": self.provenance,
        }


def check_fits(direction: Direction, model: Model) -> None:
    """Raise UserError, naming both, unless `direction` was made for `model`."""
    if direction.model_fingerprint != model.fingerprint:
        raise UserError(
            f"The direction {direction.name!r} was made for {direction.model_id} ({direction.model_fingerprint[:8]}, "
            f"width {direction.width}), not for {model.id} ({model.fingerprint[:8]}, width {model.width}): make it "
            f"anew on {model.id}, or open {direction.model_id}."
        )


def site_of(model: Model, direction: Direction) -> Site:
    """The direction's site in `model`. Raises UserError if it was made for another model, site or width."""
    check_fits(direction, model)
    for kind in KINDS:
        site = model.find_site(direction.layer, kind)
        if site is not None and str(site) == direction.site:
            if kind != "hidden" and direction.width != model.width:
                raise UserError(
                    f"The direction {direction.name!r} has {direction.width} values, and {model.id} has the width "
                    f"{model.width}: make it anew."
                )
            return site
    raise UserError(f"{model.id} has no site {direction.site!r}, where the direction {direction.name!r} belongs.")
