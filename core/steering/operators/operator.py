"""What every operator is: an activation, what is read from it and a direction in; the changed activation out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

# What the amount of an operator counts: a length in units of the site's typical norm, or a plain number.
Unit = Literal["norm", "share"]


@dataclass(frozen=True)
class Operator(ABC):
    """A way to change activations along a direction. Subclasses keep everything that they do not name.

    `name` is its word in recipes, on pages and on the command line; `title`, `formula` and `help` are for people.
    unit: what the dose counts ("norm": multiplied by the site's typical norm; "share": taken as it is). low, high:
    bounds of a sensible slider, in doses. nothing_at_zero: whether dose 0 leaves activations as they are.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    formula: ClassVar[str]
    help: ClassVar[str]
    unit: ClassVar[Unit] = "norm"
    nothing_at_zero: ClassVar[bool] = True
    low: ClassVar[float] = -1.0
    high: ClassVar[float] = 1.0
    default: ClassVar[float] = 0.5

    @abstractmethod
    def __call__(self, h: Tensor, p: Tensor, v: Tensor, c: Tensor) -> Tensor:
        """The changed activations, as a new tensor (rows, tokens, width).

        h: (rows, tokens, width). p: (rows, tokens), what is read from h: `h . v`, or a feature's activation. v: (rows,
        1, width), a row's own direction, of length 1. c: (rows, 1), its amount in the units of the activations or,
        where the unit is a share, as it stands.
        """

    def to_json(self) -> dict[str, Any]:
        """As it stands in a recipe."""
        return {"operator": self.name}


def along(p: Tensor, v: Tensor) -> Tensor:
    """p times v: (rows, tokens) and (rows, 1, width) give (rows, tokens, width)."""
    return p[:, :, None] * v


def with_norm_of(h: Tensor, changed: Tensor) -> Tensor:
    """`changed` scaled to the norm that h has, token by token; a token that became 0 stays 0."""
    least = torch.finfo(changed.dtype).tiny
    return changed * (h.norm(dim=-1, keepdim=True) / changed.norm(dim=-1, keepdim=True).clamp_min(least))
