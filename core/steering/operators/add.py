"""Adding a direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from core.steering.operators.operator import Operator, along


@dataclass(frozen=True)
class Add(Operator):
    """h + c v: activation addition (Turner et al. 2023, "Steering Language Models With Activation Engineering")."""

    name: ClassVar[str] = "add"
    title: ClassVar[str] = "Add"
    formula: ClassVar[str] = "h + c v"
    help: ClassVar[str] = "Push by the same length everywhere. Negative doses push away from the concept."

    def __call__(self, h: Tensor, p: Tensor, v: Tensor, c: Tensor) -> Tensor:
        return h + along(c, v)
