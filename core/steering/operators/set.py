"""Setting what is read along a direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from core.steering.operators.operator import Operator, along


@dataclass(frozen=True)
class Set(Operator):
    """h + (c - p) v: what is read along v is taken out and c is put in its place, on every token alike."""

    name: ClassVar[str] = "set"
    title: ClassVar[str] = "Ablate, then set"
    formula: ClassVar[str] = "h + (c − p) v"
    help: ClassVar[str] = "Give every token the same amount of the concept, whatever it had. Dose 0 is ablation."
    nothing_at_zero: ClassVar[bool] = False

    def __call__(self, h: Tensor, p: Tensor, v: Tensor, c: Tensor) -> Tensor:
        return h + along(c - p, v)
