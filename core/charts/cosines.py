"""Cosines between directions as a heat map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from core.charts.colours import BLUE, VERMILLION
from core.charts.dress import dress

SQUARE = 26  # pixels
# Blue for opposite, grey for nothing in common, vermilion for the same: told apart by colour-blind eyes. The grey is
# opaque, so that the numbers on it are written in what stands out from it on a light and on a dark page.
SCALE = [(0.0, BLUE), (0.5, "#A3A9B1"), (1.0, VERMILLION)]
WRITTEN = 14  # directions up to which each square holds its number


def cosine_map(names: Sequence[str], cosines: np.ndarray) -> go.Figure:
    """names: (n,) as they stand on the axes, different ones. cosines: (n, n), -1 to 1, NaN where there is none."""
    n = len(names)
    figure = go.Figure(
        go.Heatmap(
            z=cosines,
            x=list(names),
            y=list(names),
            zmin=-1,
            zmax=1,
            colorscale=SCALE,
            xgap=1,
            ygap=1,
            texttemplate="%{z:.2f}" if n <= WRITTEN else None,
            hovertemplate="%{y}<br>%{x}<br>cosine %{z:.3f}<extra></extra>",
            hoverongaps=False,
            colorbar={"title": "cosine", "thickness": 12, "len": 0.9, "tickvals": [-1, -0.5, 0, 0.5, 1]},
        )
    )
    dress(figure, max(220, 110 + SQUARE * n), unified=False)
    figure.update_xaxes(tickangle=-40, type="category", automargin=True)
    figure.update_yaxes(autorange="reversed", type="category", automargin=True, showgrid=False)
    return figure
