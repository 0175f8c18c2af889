"""What is done to one row of a batch: which operator, along which direction, how strongly, where, on which tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from torch import Tensor

from core.errors import UserError
from core.models.site import Site
from core.steering.operators import OPERATORS, Operator
from core.steering.positions import ALL, Positions

MOST = 1000  # typical norms, or a share: far beyond what any text survives

# Reads one number from each activation: (rows, tokens, width) gives (rows, tokens). Such as a feature's encoder.
Reader = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Condition:
    """When an intervention acts at all: only where something reads above a value.

    per "token": on those tokens of its positions that read above it. per "input": on all of them, if any token of the
    prompt does (the first and special tokens aside). Read from what arrives at `site`, before anything is done to it
    there; the site must not lie behind the one that is acted on. What is read: `h . vector`, in the units of the
    activations, or what `reader` says.

    The three tiers of feature steering in "Breaking Bad Tokens" (Goyal et al. 2025): no condition, per input, per
    token.
    """

    per: Literal["input", "token"]
    above: float
    site: Site
    vector: np.ndarray = field(repr=False)
    reader: Reader | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.per not in ("input", "token"):
            raise UserError(f"A condition is judged per input or per token, not per {self.per!r}.")
        if not np.isfinite(self.above):
            raise UserError(f"A condition needs a finite value to be above, not {self.above}.")
        _check_finite(self.vector, self.site)


@dataclass(frozen=True, eq=False)
class Intervention:
    """Do `operator` with `coefficient` along the unit `vector` (width,) at `site` on `positions`.

    coefficient: in the units of the activations where the operator counts lengths, else as it stands. reader: what the
    operator takes for the present amount of the concept (default: `h . vector`); a feature's encoder makes it an edit
    of the feature's code in which everything that the dictionary does not explain is kept. vector may have another
    length than 1 only for an operator that says so.
    """

    site: Site
    vector: np.ndarray = field(repr=False)
    coefficient: float
    positions: Positions = ALL
    operator: Operator = OPERATORS["add"]
    condition: Condition | None = None
    reader: Reader | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not np.isfinite(self.coefficient):
            raise UserError(f"A coefficient of {self.coefficient} is no number to steer with; give a finite dose.")
        _check_finite(self.vector, self.site)


def check_dose(dose: float) -> None:
    """Raise UserError for a dose that is no number, or beyond all sense."""
    if not np.isfinite(dose):
        raise UserError(f"A dose of {dose} is no number to steer with.")
    if abs(dose) > MOST:
        raise UserError(
            f"A dose of {dose:g} is absurd: beyond 1 or 2 typical norms a text only breaks, and {MOST} are allowed."
        )


def _check_finite(vector: np.ndarray, site: Site) -> None:
    if not np.isfinite(vector).all():
        raise UserError(f"The direction for {site} holds values that are not finite; make it again.")
