"""Kinds of things as points in the plane, told apart by colour and shape."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from core.charts.colours import BLUE, GREEN, GREY, PURPLE, VERMILLION
from core.charts.dress import dress
from core.charts.heat import inert

COLOURS = (GREY, BLUE, GREEN, VERMILLION, PURPLE)
SHAPES = ("circle", "diamond", "square", "star", "x")
SIZES = (7, 9, 9, 14, 9)


@dataclass(frozen=True, eq=False)
class Place:
    """Things of one kind. xy: (n, 2). hover: (n,) what is said of each, anybody's text. named: written beside each."""

    kind: str
    xy: np.ndarray
    hover: Sequence[str]
    named: bool = False


def landscape(places: Sequence[Place], *, height: int = 360) -> go.Figure:
    """places: up to five kinds, those that matter most last, so that they lie on top. Kinds of nothing are left out."""
    figure = go.Figure()
    for place, colour, shape, size in zip(places, COLOURS, SHAPES, SIZES, strict=False):
        if not len(place.xy):
            continue
        figure.add_trace(
            go.Scatter(
                x=place.xy[:, 0],
                y=place.xy[:, 1],
                mode="markers+text" if place.named else "markers",
                name=inert(place.kind),
                marker={"color": colour, "symbol": shape, "size": size},
                text=[inert(one) for one in place.hover],
                textposition="top center",
                hovertext=[html.escape(one, quote=False) for one in place.hover],
                hovertemplate="%{hovertext}<extra></extra>",
            )
        )
    dress(figure, height, unified=False)
    for axis in (figure.update_xaxes, figure.update_yaxes):
        axis(visible=False, showgrid=False)
    return figure
