"""A heat map of a test: cells that were not found beyond chance are hollow, so that no colour speaks for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from core.charts.colours import GREY, PURPLE
from core.charts.cosines import SCALE
from core.charts.dress import dress
from core.charts.heat import inert

ROW, ABOVE = 46, 96  # pixels per row; for axis title and scale
MOST_NUMBERS = 240  # cells; with more, numbers in them could not be read


@dataclass(frozen=True)
class MapCell:
    """value: the score, None where it was not measured. found: beyond chance; else the cell is hollow.

    starred: whether it passed everything. hover: what is said of it, lines parted by a line break.
    """

    value: float | None
    found: bool
    starred: bool = False
    hover: str = ""


def cell_map(
    columns: Sequence[int],
    rows: Sequence[str],
    cells: Sequence[Sequence[MapCell | None]],
    *,
    title: str,
    nothing: float,
    reach: float,
    chosen: tuple[int, int] | None = None,
) -> go.Figure:
    """cells: one per row and column, None for none. title: of the score. nothing: its value where nothing acts; colours
    diverge from there and end at `reach` to either side. chosen: row and column to frame.

    Each cell is a point of the trace "cells", row by row, so that a click on it tells its number.
    """
    figure = go.Figure()
    places = [(row, column) for row in range(len(rows)) for column in range(len(columns))]
    few = len(places) <= MOST_NUMBERS
    inset = min(0.03, 0.004 * len(columns))  # about as wide as the gaps between the colours
    values = [[None if c is None or not c.found else c.value for c in row] for row in cells]
    figure.add_heatmap(
        x=list(range(len(columns))),
        y=list(range(len(rows))),
        z=values,
        zmin=nothing - reach,
        zmax=nothing + reach,
        colorscale=SCALE,
        xgap=3,
        ygap=3,
        # Written by the heat map, which chooses what stands out from each colour.
        text=[["" if c is None or not c.found else _written(c) if few else _mark(c) for c in row] for row in cells],
        texttemplate="%{text}",
        textfont={"size": 12},
        hoverinfo="skip",
        colorbar={"title": {"text": title, "side": "right"}, "thickness": 12, "len": 1.0, "outlinewidth": 0},
    )
    for row, column in places:
        cell = cells[row][column]
        if cell is not None and not cell.found:
            figure.add_shape(**_box(row, column, inset), line={"color": GREY, "width": 1.2, "dash": "dot"})
    if chosen is not None:
        figure.add_shape(**_box(*chosen, 0.0), line={"color": PURPLE, "width": 3.5})
    at = [cells[row][column] for row, column in places]
    figure.add_scatter(
        x=[column for _, column in places],
        y=[row for row, _ in places],
        text=["" if cell is None or cell.found or not few else _written(cell) for cell in at],
        textfont={"size": 12},
        customdata=["" if cell is None else inert(cell.hover) for cell in at],
        mode="markers+text",
        marker={"symbol": "square", "size": 26, "color": "rgba(0,0,0,0)"},
        # A click would else fade all other points.
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}, "textfont": {"color": None}},
        hovertemplate="%{customdata}<extra></extra>",
        name="cells",
        showlegend=False,
    )
    dress(figure, ABOVE + ROW * len(rows), unified=False)
    step = 1 if len(columns) <= 40 else 5
    figure.update_xaxes(
        title="layer",
        tickvals=list(range(0, len(columns), step)),
        ticktext=[str(layer) for layer in columns[::step]],
        range=[-0.52, len(columns) - 0.48],
        tickangle=0,
    )
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[inert(row) for row in rows],
        range=[len(rows) - 0.48, -0.52],
        showgrid=False,
        automargin=True,
    )
    figure.update_layout(clickmode="event+select", modebar={"color": GREY})
    return figure


def _box(row: int, column: int, inset: float) -> dict[str, object]:
    x, y = 0.5 - inset, 0.5 - min(0.03, inset * 4)
    return {"type": "rect", "x0": column - x, "x1": column + x, "y0": row - y, "y1": row + y}


def _written(cell: MapCell | None) -> str:
    if cell is None or cell.value is None:
        return ""
    number = f"{cell.value:.2f}".replace("-", "−").replace("0.", ".", 1) if abs(cell.value) < 1 else f"{cell.value:.1f}"
    return number + (" ★" if cell.starred else "")


def _mark(cell: MapCell | None) -> str:
    return "★" if cell is not None and cell.starred else ""
