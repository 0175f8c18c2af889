"""The band of an interval around a line."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.charts.colours import see_through


def add_band(
    figure: go.Figure, x: Sequence[float], low: Sequence[float], high: Sequence[float], color: str, group: str
) -> None:
    """From `low` to `high` over `x`, as many of each; shown and hidden with the line of the legend group `group`."""
    figure.add_scatter(
        x=[*x, *reversed(x)],
        y=[*high, *reversed(low)],
        fill="toself",
        fillcolor=see_through(color, 0.16),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
        legendgroup=group,
    )
