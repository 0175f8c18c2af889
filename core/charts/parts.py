"""One whole as the parts that it falls into, and pairs of numbers against the line on which both are equal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from core.charts.colours import BLUE, GREY, SERIES, see_through
from core.charts.dress import dress


def parts(shares: Sequence[tuple[str, float]], *, height: int = 110) -> go.Figure:
    """Named shares of one whole, 0 to 1 each, as one bar. Names are ours, never others' text."""
    figure = go.Figure()
    for number, (name, share) in enumerate(shares):
        figure.add_bar(
            x=[share],
            y=[""],
            orientation="h",
            name=name,
            marker={"color": SERIES[number % len(SERIES)], "line": {"width": 0}},
            text=[f"{share:.1%}"],
            textposition="inside",
            insidetextanchor="middle",
            textfont={"color": "white"},
            hovertemplate=f"{name}: %{{x:.2%}}<extra></extra>",
        )
    dress(figure, height, unified=False)
    figure.update_layout(barmode="stack", bargap=0.2, legend={"traceorder": "normal"})
    figure.update_xaxes(tickformat=".0%", range=[0, 1])
    return figure


def against(x: Sequence[float], y: Sequence[float], *, x_title: str, y_title: str, height: int = 300) -> go.Figure:
    """Points (x, y), with a line where both are equal. Positive numbers on axes of one unit."""
    ends = [float(np.min([*x, *y])), float(np.max([*x, *y]))] if len(x) else [0.0, 1.0]
    figure = go.Figure()
    figure.add_scatter(
        x=ends, y=ends, mode="lines", line={"color": GREY, "dash": "dash", "width": 1.5}, hoverinfo="skip"
    )
    figure.add_scattergl(
        x=list(x),
        y=list(y),
        mode="markers",
        marker={"color": see_through(BLUE, 0.55), "size": 5},
        hovertemplate=f"{x_title} %{{x:.1f}}<br>{y_title} %{{y:.1f}}<extra></extra>",
    )
    dress(figure, height, unified=False)
    figure.update_layout(showlegend=False)
    figure.update_xaxes(title=x_title)
    figure.update_yaxes(title=y_title)
    return figure
