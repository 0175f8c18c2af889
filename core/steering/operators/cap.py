"""Holding what is read along a direction below a ceiling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from core.steering.operators.operator import Operator, along


@dataclass(frozen=True)
class Cap(Operator):
    """h - max(p - c, 0) v: what is read along v is lowered to c where it is higher, and left where it is not."""

    name: ClassVar[str] = "cap"
    title: ClassVar[str] = "At most"
    formula: ClassVar[str] = "h − max(p − c, 0) v"
    help: ClassVar[str] = "Lower tokens that have more of the concept than the dose; leave those that have less."
    nothing_at_zero: ClassVar[bool] = False

    def __call__(self, h: Tensor, p: Tensor, v: Tensor, c: Tensor) -> Tensor:
        return h - along((p - c).clamp_min(0), v)
