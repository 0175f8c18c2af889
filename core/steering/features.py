"""Editing one feature's code: what the dictionary does not explain is kept.

A dictionary writes an activation as h = decode(codes) + error. The edit changes one code and leaves the error alone:
h' = h + decode(codes') - decode(codes). This room knows no dictionaries: they come as functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from core.directions import Direction
from core.errors import UserError
from core.steering.operators import Operator

ON_CODES = ("add", "ablate", "set", "clamp", "cap", "scale")  # operators that mean something for a single number


@dataclass(frozen=True, eq=False)
class Feature:
    """A feature that can be pushed. direction: along which it writes. key: of its dictionary. number: its place there.

    encode: activations (..., width) to codes (..., features). decode: codes, with the activations that they came from,
    to activations. length: of what one unit of its code writes.
    """

    direction: Direction
    key: str
    number: int
    encode: Callable[[Tensor], Tensor] = field(repr=False)
    decode: Callable[[Tensor, Tensor], Tensor] = field(repr=False)
    length: float = 1.0


@dataclass(frozen=True, eq=False)
class CodeEdit(Operator):
    """`base` done to the code of one feature, the rest of the activation kept.

    Amounts that are lengths are divided by the length of what the feature writes, so that a dose moves the activation
    as far as the same dose of any other push. Where it is only added to and decoding is linear, it is that push.
    """

    name: ClassVar[str] = "code"
    title: ClassVar[str] = "Feature's code"
    formula: ClassVar[str] = "h + decode(codes') − decode(codes)"
    help: ClassVar[str] = "Change what the dictionary reads of one feature; what it does not explain is kept."

    base: Operator
    feature: Feature

    def __post_init__(self) -> None:
        if self.base.name not in ON_CODES:
            raise UserError(
                f"The operator {self.base.name!r} does not apply to a feature's code; there are {', '.join(ON_CODES)}."
            )

    @property
    def nothing_at_zero(self) -> bool:  # type: ignore[override]
        return self.base.nothing_at_zero

    def __call__(self, h: Tensor, p: Tensor, v: Tensor, c: Tensor) -> Tensor:
        codes = self.feature.encode(h)
        own = codes[..., self.feature.number, None]
        amount = c / self.feature.length if self.base.unit == "norm" else c
        one = torch.ones(len(h), 1, 1, dtype=own.dtype, device=own.device)
        changed = codes.clone()
        changed[..., self.feature.number, None] = self.base(own, own[..., 0], one, amount.to(own.dtype))
        return h + (self.feature.decode(changed, h) - self.feature.decode(codes, h)).to(h.dtype)

    def to_json(self) -> dict[str, Any]:
        return {
            "operator": "code",
            "base": self.base.name,
            "dictionary": self.feature.key,
            "feature": self.feature.number,
        }
