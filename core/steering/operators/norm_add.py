"""Adding a direction without making the activation longer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from core.steering.operators.operator import Operator, along, with_norm_of


@dataclass(frozen=True)
class NormAdd(Operator):
    """(h + c v) scaled back to the length of h: the push turns the activation and leaves its length."""

    name: ClassVar[str] = "norm_add"
    title: ClassVar[str] = "Add, keep length"
    formula: ClassVar[str] = "(h + c v) |h| / |h + c v|"
    help: ClassVar[str] = "Push, then scale back to the old length, so that strong doses turn rather than swell."

    def __call__(self, h: Tensor, p: Tensor, v: Tensor, c: Tensor) -> Tensor:
        return with_norm_of(h, h + along(c, v))
