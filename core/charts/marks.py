"""Scores beside one another: a row for each, with its interval, and what nothing would give as a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from core.charts.colours import FAINT, GREY, SERIES, SYMBOLS
from core.charts.dress import dress

ROW, AROUND = 30, 64  # pixels per row, and for the axis


@dataclass(frozen=True)
class Mark:
    """A score in a row. low, high: its interval or range, None for none. series: those of one series look alike; a
    control is grey and hollow. about: what else the hover says."""

    row: str
    value: float
    low: float | None = None
    high: float | None = None
    series: str = ""
    control: bool = False
    about: str = ""


def marks(
    rows: Sequence[Mark],
    *,
    title: str = "AUROC",
    nothing: float | None = 0.5,
    ends: tuple[float, float] | None = None,
    height: int | None = None,
) -> go.Figure:
    """Dots with their intervals, row by row from above. nothing: a line at what says nothing. ends: of the axis."""
    names = list(dict.fromkeys(mark.row for mark in rows))
    series = list(dict.fromkeys(mark.series for mark in rows if not mark.control))
    figure = go.Figure()
    for name in [*series, None]:
        own = [mark for mark in rows if (mark.control if name is None else not mark.control and mark.series == name)]
        if own:
            number = series.index(name) if name is not None else 0
            color = GREY if name is None else SERIES[number % len(SERIES)]
            symbol = "circle-open" if name is None else SYMBOLS[number % len(SYMBOLS)]
            _add(figure, own, names, name, color, symbol, shift=_shift(number, len(series), name is None))
    if nothing is not None:
        figure.add_vline(x=nothing, line={"color": GREY, "width": 1}, opacity=0.6)
    dress(figure, height or AROUND + ROW * len(names), unified=False)
    figure.update_layout(showlegend=len(series) > 1, hovermode="closest")
    figure.update_xaxes(title=title, range=list(ends or _ends(rows, nothing)), showgrid=True, gridcolor=FAINT)
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=names,
        range=[len(names) - 0.4, -0.6],
        showgrid=False,
        automargin=True,
    )
    return figure


def _add(
    figure: go.Figure, own: Sequence[Mark], names: list[str], name: str | None, color: str, symbol: str, *, shift: float
) -> None:
    more = [0.0 if mark.high is None else mark.high - mark.value for mark in own]
    less = [0.0 if mark.low is None else mark.value - mark.low for mark in own]
    figure.add_scatter(
        x=[mark.value for mark in own],
        y=[names.index(mark.row) + shift for mark in own],
        error_x={"type": "data", "array": more, "arrayminus": less, "color": color, "thickness": 2, "width": 0},
        mode="markers",
        name="controls" if name is None else name,
        marker={"color": color, "size": 10, "symbol": symbol, "line": {"width": 2, "color": color}},
        customdata=[f"{mark.row}: {_said(mark)}" for mark in own],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _said(mark: Mark) -> str:
    between = "" if mark.low is None or mark.high is None else f" ({mark.low:.3f} to {mark.high:.3f})"
    whose = f"{mark.series} " if mark.series else ""
    return f"{whose}{mark.value:.3f}{between}" + (f"<br>{mark.about}" if mark.about else "")


def _shift(number: int, of: int, control: bool) -> float:
    """Series of one row stand a little above one another."""
    return 0.0 if control or of < 2 else (number - (of - 1) / 2) * 0.3


def _ends(rows: Sequence[Mark], nothing: float | None) -> tuple[float, float]:
    seen = [value for mark in rows for value in (mark.value, mark.low, mark.high) if value is not None]
    seen += [] if nothing is None else [nothing]
    room = 0.05 * (max(seen) - min(seen) or 1.0)
    return min(seen) - room, max(seen) + room
