"""A verdict in words for each concept: what was found at which layers, and what that means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.shared.tcav_words import LOOKS, ORDER, meaning
from pages.shared.text import plain

Cell = dict[str, Any]


def strongest(cells: Sequence[Cell]) -> Cell:
    """The cell with the strongest verdict, and among those with the largest |z|."""
    return min(cells, key=lambda cell: (ORDER.index(cell["verdict"]), -abs(cell["z"])))


def by_concept(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Cells of one target by their concept, in the order of the test."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell["concept"], []).append(cell)
    return found


def show(cells: Sequence[Cell], titles: Mapping[str, str]) -> None:
    """One block per concept. cells: of one target."""
    for concept, own in by_concept(cells).items():
        best = strongest(own)
        icon, color = LOOKS[best["verdict"]]
        with st.container(border=True):
            left, right = st.columns([3, 7])
            left.badge(best["verdict"], icon=icon, color=color)  # type: ignore[arg-type]
            over = f": {where(own)}" if len(own) > 1 else ""
            right.markdown(f"**{plain(titles[concept])}**{over}  \n{figures(best)}")
            right.caption(meaning(best["verdict"]))


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
        f"Layer {cell['layer']}: sign score {cell['score']:.2f} ({low:.2f} to {high:.2f})",
        f"adjusted p {small(cell['p_adjusted'])}",
    ]
    if cell["specificity"] is not None:
        told.append(f"larger than {cell['specificity']:.0%} of {cell['controls']} control concepts")
    if cell["push_effect"] is not None:
        told.append(f"push {signed(cell['push_effect'])}, rank {cell['push_rank']} of 21")
    told.append(f"read with AUROC {cell['auroc']:.2f}")
    return " · ".join(told)


def small(p: float) -> str:
    """A p-value: three digits, never nought."""
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1g}"


def signed(value: float, digits: int = 2) -> str:
    """With its sign, a true minus."""
    return f"{value:+.{digits}f}".replace("-", "−")
