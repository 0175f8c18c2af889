"""Holding what is read along a direction above a floor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from core.steering.operators.operator import Operator, along


@dataclass(frozen=True)
class Clamp(Operator):
    """h + max(c - p, 0) v: what is read along v is raised to c where it is lower, and left where it is not."""

    name: ClassVar[str] = "clamp"
    title: ClassVar[str] = "At least"
    formula: ClassVar[str] = "h + max(c − p, 0) v"
    help: ClassVar[str] = "Raise tokens that have less of the concept than the dose; leave those that have more."
    nothing_at_zero: ClassVar[bool] = False

    def __call__(self, h: Tensor, p: Tensor, v: Tensor, c: Tensor) -> Tensor:
        return h + along((c - p).clamp_min(0), v)
