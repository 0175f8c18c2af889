"""A direction: a unit vector at one site of one model, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.errors import UserError
from core.models import Model


@dataclass(frozen=True, eq=False)
class Direction:
    """A unit vector at one site of one model.

    vector: (d,) float32, of length 1, read-only; positives have the higher `activation @ vector`. raw_norm: length
    of the vector before it was scaled to 1, in the units of the activations (`diffmean`) or of logits per unit of
    activation (`logistic`). site: as `str(Site)`. layer: the block, counted from 0. method: name of the finder.
    provenance: plain JSON that says how it was made (see `make_direction`).
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
        return self.provenance.get("held_out", {}).get("auroc")

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
            "provenance": self.provenance,
        }


def check_fits(direction: Direction, model: Model) -> None:
    """Raise UserError, naming both, unless `direction` was made on `model`."""
    width = model.layout.width
    if (direction.model_fingerprint, direction.width) != (model.fingerprint, width):
        made_on = f"{direction.model_id} ({direction.model_fingerprint[:8]}, width {direction.width})"
        raise UserError(
            f"The direction {direction.name!r} was made on {made_on}, not on {model.id} ({model.fingerprint[:8]}, width"
            f" {width}): make it anew on {model.id}, or open {direction.model_id}."
        )
