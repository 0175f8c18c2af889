"""How often values fall between edges, as bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from core.charts.colours import SERIES
from core.charts.dress import dress


@dataclass(frozen=True)
class Bars:
    """counts (n,) between edges (n + 1,), ascending. name: of the series, which must not be others' text."""

    name: str
    edges: Sequence[float]
    counts: Sequence[float]


def bars(
    some: Sequence[Bars],
    *,
    x_title: str,
    y_title: str,
    doubling: bool = False,
    height: int = 220,
) -> go.Figure:
    """One series of bars or several. doubling: edges grow by multiplication, and bars are as wide as one another."""
    figure, ends = go.Figure(), []
    for number, series in enumerate(some):
        edges, counts = np.asarray(series.edges, dtype=float), np.asarray(series.counts, dtype=float)
        filled = np.flatnonzero(counts)
        if len(filled):  # nothing is drawn where nothing is
            part = slice(filled[0], filled[-1] + 1)
            edges, counts = edges[part.start : part.stop + 1], counts[part]
            ends += [end for end in (float(edges[0]), float(edges[-1])) if end > 0]
        # A bar reaches from edge to edge on a log axis too: plotly takes its ends before it takes their logarithms.
        width, middle = np.diff(edges), (edges[1:] + edges[:-1]) / 2
        figure.add_bar(
            x=middle.tolist(),
            y=counts.tolist(),
            width=width.tolist(),
            name=series.name,
            marker={"color": SERIES[number % len(SERIES)], "line": {"width": 0}},
            customdata=[[f"{low:.3g}", f"{high:.3g}"] for low, high in pairwise(edges.tolist())],
            hovertemplate="%{customdata[0]} to %{customdata[1]}: %{y:,}<extra></extra>",
        )
    dress(figure, height, unified=False)
    figure.update_layout(bargap=0.06, barmode="overlay", showlegend=len(some) > 1)
    figure.update_xaxes(title=x_title, type="log" if doubling else "linear")
    if doubling and ends:
        figure.update_xaxes(**_ticks(min(ends), max(ends)))
    figure.update_yaxes(title=y_title)
    return figure


def _ticks(low: float, high: float) -> dict[str, list[float] | list[str]]:
    """Whole numbers on a log axis, which plotly cuts short to their first digit: 1, 2, 5, 10; or tens alone."""
    tens = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high < 1000 * low else (1,)
    places = [(step, ten) for ten in tens for step in steps]
    times = {1: "", 2: "2·", 5: "5·"}
    text = [f"{step * 10.0**ten:g}" if -4 < ten < 6 else f"{times[step]}10<sup>{ten}</sup>" for step, ten in places]
    return {"tickvals": [step * 10.0**ten for step, ten in places], "ticktext": text}
