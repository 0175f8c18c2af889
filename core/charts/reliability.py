"""A reliability diagram: said probabilities against what came true, and how often each was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from core.charts.colours import BLUE, GREY, see_through
from core.charts.dress import dress


@dataclass(frozen=True)
class Said:
    """Rows of which about the same was said. said: mean probability; came_true: share, with its interval; all 0-1."""

    said: float
    came_true: float
    low: float
    high: float
    rows: int
    edges: tuple[float, float]


def reliability(bins: Sequence[Said], *, height: int = 340) -> go.Figure:
    """Points on the diagonal are honest probabilities; bars below count the rows of each."""
    figure = go.Figure()
    most = max(one.rows for one in bins)
    figure.add_bar(
        x=[sum(one.edges) / 2 for one in bins],
        y=[0.2 * one.rows / most for one in bins],
        width=[0.94 * (one.edges[1] - one.edges[0]) for one in bins],
        marker={"color": see_through(GREY, 0.35), "line": {"width": 0}},
        customdata=[one.rows for one in bins],
        hovertemplate="%{customdata} texts<extra></extra>",
        name="texts",
    )
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "dash": "dash"}, hoverinfo="skip", name="honest"
    )
    figure.add_scatter(
        x=[one.said for one in bins],
        y=[one.came_true for one in bins],
        error_y={
            "type": "data",
            "array": [one.high - one.came_true for one in bins],
            "arrayminus": [one.came_true - one.low for one in bins],
            "color": BLUE,
            "thickness": 1.5,
            "width": 3,
        },
        mode="lines+markers",
        line={"color": BLUE, "width": 2.5},
        marker={"size": 8},
        customdata=[(one.rows, one.low, one.high) for one in bins],
        hovertemplate="said %{x:.2f}, came true %{y:.2f} (%{customdata[1]:.2f} to %{customdata[2]:.2f}), "
        "%{customdata[0]} texts<extra></extra>",
        name="this probe",
    )
    dress(figure, height, unified=False)
    figure.update_xaxes(title="probability of being positive, as said", range=[0, 1])
    figure.update_yaxes(title="share that is", range=[-0.02, 1.02])
    return figure
