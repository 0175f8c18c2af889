"""Lines over a quantity: over numbers of texts, over thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from core.charts.band import add_band
from core.charts.colours import GREY, SERIES, SYMBOLS
from core.charts.dress import dress


@dataclass(frozen=True)
class Line:
    """x, y: as many of each; None in y leaves a gap. low, high: a band, or () for none."""

    name: str
    x: Sequence[float]
    y: Sequence[float | None]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


def lines(
    some: Sequence[Line],
    *,
    x_title: str,
    y_title: str,
    doubling: bool = False,
    level: tuple[str, float] | None = None,
    at: float | None = None,
    ends: tuple[float, float] | None = None,
    height: int = 320,
) -> go.Figure:
    """doubling: x grows by doubling, and each x has its tick. level: a named dashed line. at: x of a line to mark."""
    figure = go.Figure()
    for number, line in enumerate(some):
        color = SERIES[number % len(SERIES)]
        if line.low:
            add_band(figure, line.x, line.low, line.high, color, line.name)
        figure.add_scatter(
            x=list(line.x),
            y=list(line.y),
            name=line.name,
            legendgroup=line.name,
            mode="lines+markers",
            line={"color": color, "width": 2.5},
            marker={"size": 7, "symbol": SYMBOLS[number % len(SYMBOLS)]},
            hovertemplate=f"{line.name}: %{{y:.3f}}<extra></extra>",
        )
    if level is not None:
        figure.add_hline(
            y=level[1],
            line={"color": GREY, "width": 1.5, "dash": "dash"},
            annotation={"text": level[0], "font": {"color": GREY}, "xanchor": "left", "x": 0, "showarrow": False},
        )
    if at is not None:
        figure.add_vline(x=at, line={"color": GREY, "width": 1.5, "dash": "dot"})
    dress(figure, height)
    figure.update_xaxes(title=x_title)
    if doubling:
        ticks = sorted({x for line in some for x in line.x})
        figure.update_xaxes(type="log", tickvals=ticks, ticktext=[f"{x:,.0f}" for x in ticks])
    figure.update_yaxes(title=y_title, range=None if ends is None else list(ends))
    return figure
