"""Scaling single dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from core.steering.operators.operator import Operator, Unit


@dataclass(frozen=True)
class Scale(Operator):
    """h_j + a v_j |h_j|: each dimension grows or shrinks in proportion to its own size, towards the concept's sign.

    AUSteer multiplies h_j by 1 + a b_j, which pushes a negative h_j the wrong way; with |h_j| in place of h_j the push
    has the sign of v_j everywhere. v is scaled so that its largest entry is 1.
    """

    name: ClassVar[str] = "scale"
    title: ClassVar[str] = "Scale dimensions"
    formula: ClassVar[str] = "h_j + a |h_j| v_j / max |v|"
    help: ClassVar[str] = "Change each dimension in proportion to its own size. The dose is a factor: 0.5 is half."
    unit: ClassVar[Unit] = "share"

    def __call__(self, h: Tensor, p: Tensor, v: Tensor, c: Tensor) -> Tensor:
        return h + c[:, :, None] * h.abs() * (v / v.abs().amax(dim=-1, keepdim=True))
