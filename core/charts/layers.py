"""Scores over layers: a line with its band for each method, controls and baselines beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from core.charts.band import add_band
from core.charts.colours import GREY, SERIES, SYMBOLS
from core.charts.dress import dress

DASHES = ("dash", "dashdot", "longdash", "longdashdot")


@dataclass(frozen=True)
class Curve:
    """A line over layers with a band around it. layers, middle, low, high: one value per layer."""

    name: str
    layers: Sequence[int]
    middle: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class Level:
    """A score that has no layer: a horizontal line."""

    name: str
    value: float


def layer_curves(
    curves: Sequence[Curve],
    *,
    control: Curve | None = None,
    levels: Sequence[Level] = (),
    best: tuple[int, float] | None = None,
    title: str = "AUROC",
    nothing: float | None = 0.5,
    share: bool = True,
    height: int = 380,
) -> go.Figure:
    """A score by layer: one line with its band per method, the control in grey, baselines as dashed lines.

    best: layer and score of the point to mark. title: of the score. nothing: the score where there is nothing to find,
    a thin line. share: the score lies within 0-1, and the axis goes up to 1.
    """
    figure = go.Figure()
    if control is not None:
        add_curve(figure, control, GREY, dash="dot", width=1.5)
    for number, curve in enumerate(curves):
        add_curve(figure, curve, SERIES[number % len(SERIES)], symbol=SYMBOLS[number % len(SYMBOLS)])
    for level, dash in zip(levels, DASHES, strict=False):
        layers = curves[0].layers if curves else [0, 1]
        figure.add_scatter(
            x=[min(layers), max(layers)],
            y=[level.value, level.value],
            name=f"{level.name} {level.value:.2f}",
            mode="lines",
            legendrank=3,
            line={"color": GREY, "width": 1.5, "dash": dash},
            hovertemplate=f"{level.name}: {level.value:.3f}<extra></extra>",
        )
    if nothing is not None:
        figure.add_hline(y=nothing, line={"color": GREY, "width": 1}, opacity=0.5)
    if best is not None:
        figure.add_scatter(
            x=[best[0]],
            y=[best[1]],
            name="strongest",
            mode="markers+text",
            text=[f"layer {best[0]}"],
            textposition="top center",
            marker={"symbol": "circle-open", "size": 15, "color": GREY, "line": {"width": 2.5}},
            hoverinfo="skip",
            showlegend=False,
        )
    dress(figure, height, room=(60, 48) if share else None)
    figure.update_xaxes(title="layer", dtick=5 if curves and len(curves[0].layers) > 8 else None, hoverformat="d")
    figure.update_yaxes(title=title, range=_range(curves, levels, nothing, share), tickformat=".1f" if share else None)
    return figure


def add_curve(
    figure: go.Figure, curve: Curve, color: str, *, dash: str = "solid", width: float = 2.5, symbol: str = "circle"
) -> None:
    """A line and the band around it, shown and hidden together."""
    add_band(figure, curve.layers, curve.low, curve.high, color, curve.name)
    figure.add_scatter(
        x=list(curve.layers),
        y=list(curve.middle),
        customdata=list(zip(curve.low, curve.high, strict=True)),
        name=curve.name,
        legendgroup=curve.name,
        legendrank=1 if dash == "solid" else 2,
        mode="lines+markers",
        line={"color": color, "width": width, "dash": dash},
        marker={"size": 6 if dash == "solid" else 1, "symbol": symbol},
        hovertemplate=f"{curve.name}: %{{y:.3f}} (%{{customdata[0]:.3f}} to %{{customdata[1]:.3f}})<extra></extra>",
    )


def _range(curves: Sequence[Curve], levels: Sequence[Level], nothing: float | None, share: bool) -> list[float]:
    """All of it, with a little room; scores within 0-1 up to 1."""
    seen = [value for curve in curves for value in (*curve.low, *curve.high)] + [level.value for level in levels]
    seen += [] if nothing is None else [nothing]
    if share:
        return [max(0.0, min([0.45, *seen]) - 0.03), 1.02]
    low, high = (min(seen), max(seen)) if seen else (0.0, 1.0)
    room = 0.06 * (high - low or 1.0)
    return [low - room, high + room]
