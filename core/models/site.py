"""Places in a network that can be read or edited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["before", "after", "attention", "mlp", "hidden"]
Side = Literal["input", "output"]

KINDS: dict[Kind, str] = {
    "before": "residual stream before the block",
    "after": "residual stream after the block",
    "attention": "attention output, before it is added to the residual stream",
    "mlp": "MLP output, before it is added to the residual stream",
    "hidden": "MLP hidden activation (input of the down projection)",
}


@dataclass(frozen=True)
class Site:
    """One place: the input or output of one module.

    layer: block, counted from 0. kind: its role in the block. module: PyTorch module path.
    `str(site)` is its name in files and on pages: `model.layers.13 output`.
    """

    layer: int
    kind: Kind
    module: str
    side: Side

    def __str__(self) -> str:
        return f"{self.module} {self.side}"
