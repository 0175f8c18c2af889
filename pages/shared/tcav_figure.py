"""How figures of TCAV are taken away: as a drawing, from a button that shows where one points."""

from __future__ import annotations

from typing import Any


def figure_config(name: str) -> dict[str, Any]:
    """Plotly's settings: its one button saves the figure as SVG, made in the browser."""
    return {
        "displaylogo": False,
        "modeBarButtons": [["toImage"]],
        "toImageButtonOptions": {"format": "svg", "filename": name},
    }
