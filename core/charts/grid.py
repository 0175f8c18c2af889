"""A heat map whose cells can be pointed at and chosen: scores of layers (columns) by methods or sets (rows)."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.charts.colours import GREY, VERMILLION
from core.charts.dress import dress

# Dark blue to light yellow, even for colour-blind eyes, and told apart from either page's background.
SCALE = "Cividis"
ROW, ABOVE = 44, 84  # pixels per row; for axis title and scale
SHORT, LETTER = 28, 6  # characters of a name whose room is told beforehand; pixels of one
BELOW = 58  # pixels of ticks and title
MOST_NUMBERS = 200  # cells; with more, numbers in them could not be read


def grid(
    columns: Sequence[int],
    rows: Sequence[str],
    values: Sequence[Sequence[float | None]],
    hover: Sequence[Sequence[str]],
    *,
    title: str,
    ends: tuple[float, float],
    best: tuple[int, int] | None = None,
    chosen: tuple[int, int] | None = None,
    column_names: Sequence[str] | None = None,
) -> go.Figure:
    """values, hover: one per row and column; None leaves a cell empty. title: of the score. ends: of the colour scale.
    column_names: what stands at the columns in place of layer numbers.

    best, chosen: row and column numbers of cells to mark, with a ring and with a frame. Each cell is a point of the
    second trace, row by row, so that a click on it tells its number.
    """
    figure = go.Figure()
    figure.add_heatmap(
        x=list(range(len(columns))),
        y=list(range(len(rows))),
        z=[list(row) for row in values],
        zmin=ends[0],
        zmax=ends[1],
        colorscale=SCALE,
        xgap=1,
        ygap=1,
        hoverinfo="skip",
        colorbar={"title": {"text": title, "side": "right"}, "thickness": 12, "len": 1.0, "outlinewidth": 0},
        **_numbers(values),
    )
    places = [(row, column) for row in range(len(rows)) for column in range(len(columns))]
    figure.add_scatter(
        x=[column for _, column in places],
        y=[row for row, _ in places],
        customdata=[hover[row][column] for row, column in places],
        mode="markers",
        marker={"symbol": "square", "size": 22, "color": "rgba(0,0,0,0)"},
        # A click would else fade all other points; these are not to be seen at all.
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        hovertemplate="%{customdata}<extra></extra>",
        name="cells",
        showlegend=False,
    )
    for cell, symbol, color, size in ((best, "circle-open", "#FFFFFF", 24), (chosen, "square-open", VERMILLION, 28)):
        if cell is not None:
            figure.add_scatter(
                x=[cell[1]],
                y=[cell[0]],
                mode="markers",
                marker={"symbol": symbol, "size": size, "color": color, "line": {"width": 2.5, "color": color}},
                hoverinfo="skip",
                showlegend=False,
                name="strongest" if cell is best and symbol == "circle-open" else "chosen",
            )
    longest = max(map(len, rows), default=0)
    room = (20 + LETTER * longest, BELOW) if column_names is None and longest <= SHORT else None
    dress(figure, ABOVE + ROW * len(rows), unified=False, room=room)
    step = 1 if len(columns) <= 40 else 5
    figure.update_xaxes(
        title="layer" if column_names is None else None,
        tickvals=list(range(0, len(columns), step)),
        ticktext=[str(name) for name in (columns if column_names is None else column_names)[::step]],
        range=[-0.5, len(columns) - 0.5],
        showline=False,
        tickangle=0 if column_names is None else -30,
    )
    figure.update_yaxes(
        tickvals=list(range(len(rows))), ticktext=list(rows), range=[len(rows) - 0.5, -0.5], showgrid=False
    )
    figure.update_layout(clickmode="event+select", modebar={"color": GREY})
    return figure


def _numbers(values: Sequence[Sequence[float | None]]) -> dict[str, object]:
    """Numbers in the cells in place of a scale of colours, where they are few enough to be read."""
    if sum(len(row) for row in values) > MOST_NUMBERS:
        return {}
    text = [["" if value is None else f"{value:.2f}".removeprefix("0") for value in row] for row in values]
    return {"text": text, "texttemplate": "%{text}", "textfont": {"size": 11}, "showscale": False}
