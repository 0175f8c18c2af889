"""Arrays in, plotly figures out. Backgrounds are clear, so that a figure suits a light and a dark page alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

# Okabe and Ito's colours, told apart by colour-blind eyes; these four have a contrast above 3 on white and on black.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SERIES = (BLUE, VERMILLION, GREEN, PURPLE)
GREY = "#7F8791"


@dataclass(frozen=True)
class Curve:
    """A line over layers with a band around it. layers, middle, low, high: one value per layer, scores 0-1."""

    name: str
    layers: Sequence[int]
    middle: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class Level:
    """A score 0-1 that has no layer: a horizontal line."""

    name: str
    value: float


def layer_curves(
    curves: Sequence[Curve],
    *,
    control: Curve | None = None,
    levels: Sequence[Level] = (),
    best: tuple[int, float] | None = None,
    height: int = 380,
) -> go.Figure:
    """AUROC by layer: one line with its 95% band per method, the control in grey, baselines as dashed lines.

    best: layer and AUROC of the point to mark.
    """
    figure = go.Figure()
    if control is not None:
        _add_curve(figure, control, GREY, dash="dot", width=1.5)
    for number, curve in enumerate(curves):
        _add_curve(figure, curve, SERIES[number % len(SERIES)], dash="solid", width=2.5)
    for level, color in zip(levels, (PURPLE, GREEN), strict=False):
        layers = curves[0].layers if curves else [0, 1]
        figure.add_scatter(
            x=[min(layers), max(layers)],
            y=[level.value, level.value],
            name=f"{level.name} {level.value:.2f}",
            mode="lines",
            legendrank=3,
            line={"color": color, "width": 1.5, "dash": "dash"},
            hovertemplate=f"{level.name}: {level.value:.3f}<extra></extra>",
        )
    figure.add_hline(y=0.5, line={"color": GREY, "width": 1}, opacity=0.5)
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
    lowest = min([0.45, *(min(curve.low) for curve in curves), *(level.value for level in levels)])
    _dress(figure, height)
    figure.update_xaxes(title="layer", dtick=5 if curves and len(curves[0].layers) > 8 else None)
    figure.update_yaxes(title="AUROC", range=[max(0.0, lowest - 0.03), 1.02], tickformat=".1f")
    return figure


def _add_curve(figure: go.Figure, curve: Curve, color: str, *, dash: str, width: float) -> None:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    figure.add_scatter(
        x=[*curve.layers, *reversed(curve.layers)],
        y=[*curve.high, *reversed(curve.low)],
        fill="toself",
        fillcolor=f"rgba({red},{green},{blue},0.16)",
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
        legendgroup=curve.name,
    )
    figure.add_scatter(
        x=list(curve.layers),
        y=list(curve.middle),
        customdata=list(zip(curve.low, curve.high, strict=True)),
        name=curve.name,
        legendgroup=curve.name,
        legendrank=1 if dash == "solid" else 2,
        mode="lines+markers",
        line={"color": color, "width": width, "dash": dash},
        marker={"size": 5 if dash == "solid" else 1},
        hovertemplate=f"{curve.name}: %{{y:.3f}} (%{{customdata[0]:.3f}} to %{{customdata[1]:.3f}})<extra></extra>",
    )


def _dress(figure: go.Figure, height: int) -> None:
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="x unified",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        dragmode=False,
    )
    figure.update_xaxes(showgrid=False, zeroline=False, hoverformat="d")
    figure.update_yaxes(gridcolor="rgba(127,135,145,0.22)", zeroline=False)
