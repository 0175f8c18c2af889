"""Several measures over the same layers, each with an axis of its own, one above the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plotly.graph_objects import Figure
from plotly.subplots import make_subplots

from core.charts.colours import GREY, SERIES, SYMBOLS
from core.charts.dress import dress


@dataclass(frozen=True)
class Measure:
    """values: one per layer. best: place of the layer that it names. chance: the same where nothing is to be found."""

    name: str
    values: Sequence[float]
    best: int
    chance: Sequence[float] = ()


def measures(layers: Sequence[int], some: Sequence[Measure], *, height: int = 140) -> Figure:
    """A panel of `height` pixels for each measure, the layer that it names ringed."""
    figure = make_subplots(rows=len(some), cols=1, shared_xaxes=True, vertical_spacing=0.08)
    for number, measure in enumerate(some):
        row, color = number + 1, SERIES[number % len(SERIES)]
        if measure.chance:
            figure.add_scatter(
                x=list(layers),
                y=list(measure.chance),
                row=row,
                col=1,
                mode="lines",
                line={"color": GREY, "dash": "dot", "width": 1.5},
                hovertemplate="chance: %{y:.3f}<extra></extra>",
                name="chance",
            )
        figure.add_scatter(
            x=list(layers),
            y=list(measure.values),
            row=row,
            col=1,
            mode="lines+markers",
            line={"color": color, "width": 2.5},
            marker={"size": 6, "symbol": SYMBOLS[number % len(SYMBOLS)]},
            hovertemplate=f"{measure.name}: %{{y:.3f}}<extra></extra>",
            name=measure.name,
        )
        figure.add_scatter(
            x=[layers[measure.best]],
            y=[measure.values[measure.best]],
            row=row,
            col=1,
            mode="markers+text",
            text=[f"layer {layers[measure.best]}"],
            textposition="bottom center",
            marker={"symbol": "circle-open", "size": 15, "color": GREY, "line": {"width": 2.5}},
            hoverinfo="skip",
            name="highest",
        )
        low, high = min([*measure.values, *measure.chance]), max([*measure.values, *measure.chance])
        room = 0.25 * (high - low or 1.0)
        figure.update_yaxes(title=measure.name, range=[low - room, high + room / 2], row=row, col=1)
    dress(figure, height * len(some) + 40)
    figure.update_layout(showlegend=False)
    figure.update_xaxes(title="layer", hoverformat="d", row=len(some), col=1)
    return figure
