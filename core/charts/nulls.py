"""Scores in front of what chance gives: bars with intervals over the null's distribution, and one null by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from core.charts.colours import BLUE, FAINT, GREY, VERMILLION, see_through
from core.charts.dress import dress
from core.charts.heat import inert

ROW, AROUND = 52, 72  # pixels per row, and for the axis
CLOUD = 0.42  # half the height that a null's distribution takes of its row
BAR = 0.3  # share of the row that the bar takes


@dataclass(frozen=True)
class NullBar:
    """A score in a row. low, high: its interval. edges, counts: histogram of the score under the null, in its unit.

    found: beyond the null; else the bar is hollow. about: what else the hover says.
    """

    row: str
    value: float
    low: float
    high: float
    edges: Sequence[float]
    counts: Sequence[int]
    found: bool
    about: str = ""


def null_bars(bars: Sequence[NullBar], *, title: str) -> go.Figure:
    """Bars from 0, vermilion above and blue below, with their intervals; behind each, grey, what chance gives."""
    figure = go.Figure()
    for place, bar in enumerate(bars):
        x, y = _cloud(bar, place)
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            line={"width": 0, "shape": "linear"},
            fill="toself",
            fillcolor=see_through(GREY, 0.38),
            hoverinfo="skip",
            name="labels dealt anew",
            legendgroup="null",
            showlegend=place == 0,
        )
    for sign, color, name in ((1, VERMILLION, "raises the answer"), (-1, BLUE, "lowers it")):
        for found in (True, False):
            own = [
                (place, bar) for place, bar in enumerate(bars) if (bar.value >= 0) == (sign > 0) and bar.found == found
            ]
            if own:
                _add(figure, own, color, found, name if found else f"{name}, not beyond chance")
    figure.add_vline(x=0, line={"color": GREY, "width": 1})
    dress(figure, AROUND + ROW * len(bars), unified=False)
    figure.update_layout(barmode="overlay", showlegend=True)
    figure.update_xaxes(title=title, showgrid=True, gridcolor=FAINT)
    figure.update_yaxes(
        tickvals=list(range(len(bars))),
        ticktext=[inert(bar.row) for bar in bars],
        range=[len(bars) - 0.45, -0.55],
        showgrid=False,
        automargin=True,
    )
    return figure


def null_histogram(
    edges: Sequence[float], counts: Sequence[int], z: float, *, title: str = "z of the statistic", height: int = 240
) -> go.Figure:
    """How often chance gave each z, and where the real one lies."""
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    figure = go.Figure()
    figure.add_bar(
        x=middles,
        y=list(counts),
        width=[high - low for low, high in pairwise(edges)],
        marker={"color": see_through(GREY, 0.55), "line": {"width": 0}},
        hovertemplate="z about %{x:.1f}: %{y} dealings<extra></extra>",
        name="labels dealt anew",
    )
    figure.add_vline(x=z, line={"color": VERMILLION if z >= 0 else BLUE, "width": 3})
    figure.add_annotation(
        x=z,
        y=1,
        yref="paper",
        text=f"{z:+.1f}".replace("-", "−"),
        showarrow=False,
        xanchor="left" if z >= 0 else "right",
        xshift=6 if z >= 0 else -6,
    )
    dress(figure, height, unified=False)
    far = max(4.0, abs(z) * 1.15)
    figure.update_layout(showlegend=False, bargap=0)
    figure.update_xaxes(title=title, range=[-far, far])
    figure.update_yaxes(title="dealings")
    return figure


def _cloud(bar: NullBar, place: int) -> tuple[list[float], list[float]]:
    """The outline of a histogram, mirrored about the row's middle."""
    counts = np.asarray(bar.counts, dtype=float)
    heights = CLOUD * counts / (counts.max() or 1.0)
    kept = np.flatnonzero(counts)
    if not len(kept):
        return [], []
    inner = slice(int(kept[0]), int(kept[-1]) + 1)
    edges = np.asarray(bar.edges)
    x = np.repeat(edges[inner.start : inner.stop + 1], 2)[1:-1]
    y = np.repeat(heights[inner], 2)
    return [*x, *x[::-1]], [*(place - y), *(place + y[::-1])]


def _add(figure: go.Figure, own: Sequence[tuple[int, NullBar]], color: str, found: bool, name: str) -> None:
    figure.add_bar(
        x=[bar.value for _, bar in own],
        y=[place for place, _ in own],
        orientation="h",
        width=BAR,
        marker={
            "color": see_through(color, 0.85 if found else 0.0),
            "line": {"color": color, "width": 1.6},
        },
        error_x={
            "type": "data",
            "array": [bar.high - bar.value for _, bar in own],
            "arrayminus": [bar.value - bar.low for _, bar in own],
            "thickness": 2,
            "width": 5,
        },
        customdata=[inert(_said(bar)) for _, bar in own],
        hovertemplate="%{customdata}<extra></extra>",
        name=name,
    )


def _said(bar: NullBar) -> str:
    said = f"{bar.row}: {bar.value:.3f} ({bar.low:.3f} to {bar.high:.3f})"
    return said + (f"\n{bar.about}" if bar.about else "")
