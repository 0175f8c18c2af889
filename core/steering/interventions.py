"""What is done to one row of a batch: which direction, how strongly, where, on which tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from core.errors import UserError
from core.models.model import Model
from core.models.site import Site


@dataclass(frozen=True)
class Positions:
    """On which tokens an intervention fires.

    prompt: tokens of the prompt. first: the first generated token. later: those after it. Each is the token
    whose activation is changed, which acts on the prediction of the token after it and of all further ones.
    special: also the first position and special tokens of the prompt, which hold no meaning of the text.
    """

    prompt: bool = True
    first: bool = True
    later: bool = True
    special: bool = False


@dataclass(frozen=True)
class Intervention:
    """Add `coefficient` times the unit `vector` (width,) at `site` on `positions`."""

    site: Site
    vector: np.ndarray = field(repr=False)
    coefficient: float
    positions: Positions = Positions()

    def __post_init__(self) -> None:
        if not np.isfinite(self.coefficient):
            raise UserError(f"A coefficient of {self.coefficient} is no number to steer with; give a finite dose.")
        if not np.isfinite(self.vector).all():
            raise UserError(f"The direction for {self.site} holds values that are not finite; make it again.")


def pushes(model: Model, rows: Sequence[Sequence[Intervention]]) -> dict[tuple[Site, Positions], Tensor]:
    """The batch's interventions as one push (batch, width) per site and choice of positions.

    Rows without an intervention there get a push of zeros: every row takes the same path through the code.
    """
    gathered: dict[tuple[Site, Positions], np.ndarray] = {}
    for number, interventions in enumerate(rows):
        for one in interventions:
            width = one.vector.shape[0]
            place = gathered.setdefault((one.site, one.positions), np.zeros((len(rows), width)))
            if place.shape[1] != width:
                raise UserError(f"Directions of {place.shape[1]} and of {width} values cannot meet at {one.site}.")
            place[number] += one.coefficient * one.vector.astype(np.float64)
    made = {
        where: torch.from_numpy(push).to(device=model.device, dtype=model.dtype) for where, push in gathered.items()
    }
    if not all(bool(push.isfinite().all()) for push in made.values()):
        raise UserError(
            f"This dose is too large for {model.dtype_name} numbers; doses beyond 1 or 2 only break a text."
        )
    return made
