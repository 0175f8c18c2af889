"""What cells of a test say, in words and figures, as pages and reports put it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from core.stats.told import share, signed
from core.tcav.verdict import ORDER

__all__ = ["Cell", "figures", "listed", "share_below", "signed", "small", "strongest", "where"]

Cell = dict[str, Any]  # as `Cell.to_json` of core/tcav/result.py gives it


def strongest(cells: Sequence[Cell]) -> Cell:
    """The cell with the strongest verdict, and among those with the largest |z|."""
    return min(cells, key=lambda cell: (ORDER.index(cell["verdict"]), -abs(cell["z"])))


def where(cells: Sequence[Cell]) -> str:
    """At which layers each verdict stands, the strongest first."""
    told = []
    for verdict in ORDER:
        layers = [str(cell["layer"]) for cell in cells if cell["verdict"] == verdict]
        if len(layers) == len(cells) > 1:
            return f"{verdict} at all {len(layers)} layers."
        if layers:
            told.append(f"{verdict} at layer{'s' * (len(layers) > 1)} {listed(layers)}")
    return "; ".join(told) + "."


def listed(parts: Sequence[str]) -> str:
    """`4, 9 and 14`."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def figures(cell: Cell) -> str:
    """The figures behind a verdict, in a line."""
    low, high = cell["score_ci"]
    told = [
        f"Layer {cell['layer']}: sign score {share(cell['score'])} ({share(low)} to {share(high)})",
        f"adjusted p {small(cell['p_adjusted'])}",
    ]
    if cell["specificity"] is not None:
        told.append(f"larger than {share_below(cell['specificity'])} of {cell['controls']} control concepts")
    if cell["push_effect"] is not None:
        told.append(f"push {signed(cell['push_effect'])}, rank {cell['push_rank']} of 21")
    told.append(f"read with AUROC {share(cell['auroc'])}")
    return " · ".join(told)


def share_below(share: float) -> str:
    """A share (0-1) in whole percent, rounded down: what is short of all is never told as all."""
    return f"{math.floor(100 * share + 1e-9)}%"


def small(p: float) -> str:
    """A p-value: three digits, never nought."""
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1g}"
