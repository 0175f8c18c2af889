"""How often values are how large, as bars on a log axis: what a card shows each time, and so has to be there at once.

A chart of plotly's would bring five megabytes of script into the browser before the first card stands, and is made anew
for each next one. The bars are boxes (histogram.js), placed here; what is said of them is text.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from core.charts import Bars

COLOURS = ("0,114,178", "213,94,0")  # Okabe and Ito's blue and vermilion
MOST = 7  # numbers along the axis that have room

_HERE = Path(__file__).parent
_draw = st.components.v2.component(
    "conceptscope_histogram",
    html='<div id="histogram"></div>',
    css=(_HERE / "histogram.css").read_text("utf-8"),
    js=(_HERE / "histogram.js").read_text("utf-8"),
)


def histogram(some: Sequence[Bars], *, key: str, label: str, x_title: str, y_title: str) -> None:
    """Draw one series of bars or two over one another; nothing is drawn where nothing is.

    Edges are above 0 and grow by multiplication. label: what is shown, for those who hear the page.
    """
    _draw(key=key, data=placed(some, label=label, x_title=x_title, y_title=y_title))


def placed(some: Sequence[Bars], *, label: str, x_title: str, y_title: str) -> dict[str, Any]:
    """What the browser draws: places and sizes in hundredths of the frame, and texts."""
    filled = [_filled(series) for series in some]
    ends = [end for edges, counts in filled if len(counts) for end in (edges[0], edges[-1])]
    most = max((float(counts.max()) for _, counts in filled if len(counts)), default=0.0)
    if not ends:
        return {"label": f"{label}: none.", "x": x_title, "y": "", "series": [], "ticks": []}
    low, high = math.log(min(ends)), math.log(max(ends))

    def at(value: float) -> float:
        return round(100 * (math.log(value) - low) / max(high - low, 1e-12), 3)

    drawn = []
    for series, (edges, counts), colour in zip(some, filled, COLOURS, strict=False):
        boxes = [
            {
                "left": at(start),
                "width": round(at(end) - at(start), 3),
                "height": round(100 * float(count) / most, 3),
                "text": f"{start:.3g} to {end:.3g}: {count:,.0f} {y_title}",
            }
            for (start, end), count in zip(pairwise(edges.tolist()), counts.tolist(), strict=True)
            if count
        ]
        drawn.append({"name": series.name, "colour": colour, "boxes": boxes})
    said = "; ".join(
        f"{one['name']} from {_span(part)}" for one, part in zip(drawn, filled, strict=True) if len(part[1])
    )
    ticks = [{"left": at(value), "text": text} for value, text in _ticks(math.exp(low), math.exp(high))]
    top = f"{most:,.0f} {y_title}"
    return {"label": f"{label}: {said}.", "x": x_title, "y": top, "series": drawn, "ticks": ticks}


def _filled(series: Bars) -> tuple[np.ndarray, np.ndarray]:
    edges, counts = np.asarray(series.edges, dtype=float), np.asarray(series.counts, dtype=float)
    there = np.flatnonzero(counts)
    if not len(there):
        return edges[:1], counts[:0]
    return edges[there[0] : there[-1] + 2], counts[there[0] : there[-1] + 1]


def _span(part: tuple[np.ndarray, np.ndarray]) -> str:
    edges, counts = part
    top = int(counts.argmax())
    return f"{edges[0]:.3g} to {edges[-1]:.3g}, most of them {edges[top]:.3g} to {edges[top + 1]:.3g}"


def _ticks(low: float, high: float) -> Iterator[tuple[float, str]]:
    """Round numbers within the axis, as many as have room: 1, 2, 5, 10, or tens alone, or every so many tens."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for steps, every in (((1, 2, 5), 1), ((1,), 1), ((1,), 2), ((1,), 5), ((1,), 20)):
        found = [s * 10.0**ten for ten in range(first, last + 1) if ten % every == 0 for s in steps]
        found = [value for value in found if low <= value <= high]
        if len(found) <= MOST:
            break
    yield from ((value, f"{value:g}") for value in found)
