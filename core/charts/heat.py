"""Layers by tokens as a field of colours."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from core.charts.colours import BLUE, VERMILLION, see_through
from core.charts.dress import dress

# Opaque, so that letters in a cell can be told from it on any page; the darker, the more.
LESS_TO_MORE = [[0.0, "#EEF3F8"], [0.35, "#A6C8E4"], [0.7, "#3D8EC6"], [1.0, "#003E66"]]
# Clear in the middle, so that nothing is seen where there is nothing.
BELOW_TO_ABOVE = [[0.0, BLUE], [0.5, see_through(BLUE, 0)], [0.5, see_through(VERMILLION, 0)], [1.0, VERMILLION]]


def heat_map(
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    title: str,
    hover: Sequence[Sequence[str]],
    texts: Sequence[Sequence[str]] | None = None,
    low: float | None = None,
    high: float | None = None,
    diverging: bool = False,
    row_title: str = "layer",
    column_title: str = "",
    row_height: int = 22,
) -> go.Figure:
    """values (rows, columns) as colours, the first row at the bottom; NaN cells stay empty.

    rows, columns: their names, of which several may be the same. title: of the colour scale. hover: what is said of
    each cell; lines are parted by a line break. texts: what stands in the cells. low, high: ends of the scale.
    diverging: blue below 0, vermilion above, and as far to either side. All names and texts may be anybody's.
    """
    most = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 1.0
    ends = (-(high or most), high or most) if diverging else (low, high)
    figure = go.Figure(
        go.Heatmap(
            z=[[None if value != value else value for value in row] for row in values.tolist()],
            text=None if texts is None else [[inert(text) for text in row] for row in texts],
            texttemplate=None if texts is None else "%{text}",
            customdata=[[inert(text) for text in row] for row in hover],
            hovertemplate="%{customdata}<extra></extra>",
            colorscale=BELOW_TO_ABOVE if diverging else LESS_TO_MORE,
            zmin=ends[0],
            zmax=ends[1],
            xgap=1,
            ygap=1,
            colorbar={"title": {"text": title, "side": "right"}, "thickness": 12, "outlinewidth": 0},
        )
    )
    dress(figure, 90 + row_height * len(rows), unified=False)
    for axis, names, label in ((figure.update_yaxes, rows, row_title), (figure.update_xaxes, columns, column_title)):
        axis(
            title=label,
            tickmode="array",
            tickvals=list(range(len(names))),
            ticktext=[inert(name) for name in names],
            showgrid=False,
        )
    figure.update_xaxes(tickangle=-45 if max(map(len, columns), default=0) > 4 else 0, side="bottom")
    return figure


def inert(text: str) -> str:
    """`text` as plotly shows it letter by letter: it takes tags for markup, and links for links."""
    return html.escape(text, quote=False).replace("\n", "<br>")
