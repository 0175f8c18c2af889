"""Figures outside the app: as plain values, and the script that draws them where there is no network."""

from __future__ import annotations

import json
from typing import Any

import plotly.graph_objects as go


def plotly_script() -> str:
    """The text of plotly.js as it comes with plotly: some megabytes, to be put into a file once."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def figure_values(figure: go.Figure) -> dict[str, Any]:
    """`data` and `layout` as JSON values, in plain numbers and without the template, which the page's own style
    replaces."""
    bare = go.Figure(figure).update_layout(template="none")
    values = json.loads(bare.to_json())
    values["layout"].pop("template", None)
    return {"data": [_unpacked(trace) for trace in values["data"]], "layout": values["layout"]}


def _unpacked(value: Any) -> Any:
    """Arrays that plotly packed as base64 as lists, so that a reader finds the numbers in the file."""
    if isinstance(value, dict):
        if set(value) >= {"dtype", "bdata"}:
            import base64

            import numpy as np

            flat = np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"])
            shape = [int(part) for part in str(value.get("shape", len(flat))).split(",")]
            rows = flat.reshape(shape)
            return _without_gaps(rows.tolist())
        return {name: _unpacked(one) for name, one in value.items()}
    return [_unpacked(one) for one in value] if isinstance(value, list) else value


def _without_gaps(value: Any) -> Any:
    """Nested lists with None for what is not a finite number."""
    if isinstance(value, list):
        return [_without_gaps(one) for one in value]
    return None if isinstance(value, float) and not abs(value) < float("inf") else value
