"""Taking out only what points along a direction, and keeping the length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from core.steering.operators.operator import Operator, Unit, along, with_norm_of


@dataclass(frozen=True)
class Project(Operator):
    """h - s max(p, 0) v, scaled back to the length of h: the one-sided projection of MedSteer.

    Tokens that point away from the concept are left as they are.
    """

    name: ClassVar[str] = "project"
    title: ClassVar[str] = "Ablate one side"
    formula: ClassVar[str] = "(h − s max(p, 0) v), length of h kept"
    help: ClassVar[str] = "Take a share out of tokens that show the concept, then restore their length; leave the rest."
    unit: ClassVar[Unit] = "share"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 2.0
    default: ClassVar[float] = 1.0

    def __call__(self, h: Tensor, p: Tensor, v: Tensor, c: Tensor) -> Tensor:
        return with_norm_of(h, h - along(c * p.clamp_min(0), v))
