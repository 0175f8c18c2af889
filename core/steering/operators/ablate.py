"""Taking a direction out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from core.steering.operators.operator import Operator, Unit, along


@dataclass(frozen=True)
class Ablate(Operator):
    """h - s p v: a share s of what is read along v is taken out; 1 leaves nothing of it.

    Directional ablation is that of Arditi et al. 2024, "Refusal in Language Models Is Mediated by a Single Direction".
    """

    name: ClassVar[str] = "ablate"
    title: ClassVar[str] = "Ablate"
    formula: ClassVar[str] = "h − s p v"
    help: ClassVar[str] = "Take out a share of the concept, 0 to 1: 1 removes all that can be read along the direction."
    unit: ClassVar[Unit] = "share"
    low: ClassVar[float] = 0.0
    default: ClassVar[float] = 1.0

    def __call__(self, h: Tensor, p: Tensor, v: Tensor, c: Tensor) -> Tensor:
        return h - along(c * p, v)
