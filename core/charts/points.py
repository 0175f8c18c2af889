"""Many points in the plane, coloured by a quantity, that can be chosen with a lasso."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from core.charts.colours import BLUE, GREEN, GREY, VERMILLION, see_through
from core.charts.dress import dress

# From blue through grey to vermilion: each stands out from a white and from a black page.
SCALE = [[0.0, BLUE], [0.5, "#9AA3AD"], [1.0, VERMILLION]]


def points(
    xy: np.ndarray,
    values: np.ndarray,
    hover: Sequence[str],
    *,
    title: str,
    marked: int | None = None,
    logarithmic: bool = False,
    height: int = 560,
) -> go.Figure:
    """xy: (n, 2). values: (n,) their colours, NaN for grey. hover: (n,) what is said of each, anybody's text.

    title: of the colour scale. marked: a point with a ring around it. logarithmic: colours go by the logarithm; what is
    not above 0 is grey.
    """
    shown = values.astype(float)
    if logarithmic:
        with np.errstate(divide="ignore", invalid="ignore"):
            shown = np.where(shown > 0, np.log10(shown), np.nan)
    known = np.isfinite(shown)
    low, high = np.quantile(shown[known], (0.02, 0.98)) if known.any() else (0.0, 1.0)
    if low < 0 < high and not logarithmic:  # grey, the middle of the scale, stands for 0
        high = max(high, -low)
        low = -high
    size = 6 if len(xy) <= 3000 else 4 if len(xy) <= 20_000 else 2.5
    figure = go.Figure()
    for part, marker in (
        (~known, {"color": see_through(GREY, 0.35), "size": size}),
        (
            known,
            {
                "color": shown[known],
                "colorscale": SCALE,
                "cmin": float(low),
                "cmax": float(high),
                "size": size,
                "colorbar": {
                    "title": {"text": title, "side": "right"},
                    "thickness": 12,
                    **_ticks(low, high, logarithmic),
                },
            },
        ),
    ):
        places = np.flatnonzero(part)
        figure.add_trace(
            go.Scattergl(
                x=xy[places, 0],
                y=xy[places, 1],
                mode="markers",
                marker=marker,
                customdata=places,
                text=[html.escape(hover[place], quote=False) for place in places.tolist()],
                hovertemplate="%{text}<extra></extra>",
                showlegend=False,
            )
        )
    if marked is not None:
        ring = {"symbol": "circle-open", "size": 16, "color": GREEN, "line": {"width": 3}}
        figure.add_trace(
            go.Scatter(x=xy[[marked], 0], y=xy[[marked], 1], mode="markers", marker=ring, hoverinfo="skip")
        )
    dress(figure, height, unified=False)
    figure.update_layout(showlegend=False, dragmode="lasso")
    for axis in (figure.update_xaxes, figure.update_yaxes):
        axis(visible=False, showgrid=False)
    figure.update_yaxes(scaleanchor="x")
    return figure


def _ticks(low: float, high: float, logarithmic: bool) -> dict[str, list[float] | list[str]]:
    if not logarithmic:
        return {}
    places = np.linspace(low, high, 5)
    return {"tickvals": places.tolist(), "ticktext": [f"{10**place:.2g}" for place in places.tolist()]}
