"""What all figures share: clear backgrounds, so that one figure suits a light and a dark page."""

from __future__ import annotations

import plotly.graph_objects as go

from core.charts.colours import FAINT

CLEAR = "rgba(0,0,0,0)"


def dress(figure: go.Figure, height: int, *, unified: bool = True, room: tuple[int, int] | None = None) -> go.Figure:
    """Size, margins, legend and grid. unified: one hover label for all that stands at the same x.

    room: pixels for ticks and title on the left and below, where they are known: plotly lays a figure out several times
    to find out by itself, a third of what drawing takes.
    """
    figure.update_layout(
        height=height,
        margin={"l": room[0] if room else 8, "r": 8, "t": 8, "b": room[1] if room else 8},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        hovermode="x unified" if unified else "closest",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        dragmode=False,
    )
    # Room for ticks and titles is asked for here: a file that is drawn without any theme would cut them off.
    figure.update_xaxes(showgrid=False, zeroline=False, automargin=room is None)
    figure.update_yaxes(gridcolor=FAINT, zeroline=False, automargin=room is None)
    return figure
