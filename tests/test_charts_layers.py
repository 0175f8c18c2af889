"""The curve over layers holds the numbers it was given, on a clear background, in colours that can be told apart."""

from __future__ import annotations

import itertools

import pytest

from core.charts import SERIES, Curve, Level, layer_curves

CURVES = [Curve("a", [0, 5, 9], [0.6, 0.7, 0.8], [0.5, 0.6, 0.7], [0.7, 0.8, 0.9])]
CONTROL = Curve("shuffled", [0, 5, 9], [0.5, 0.5, 0.5], [0.4, 0.4, 0.4], [0.6, 0.6, 0.6])


def test_the_numbers_are_those_given() -> None:
    figure = layer_curves(CURVES, control=CONTROL, levels=[Level("words", 0.75)], best=(9, 0.8))
    line = next(trace for trace in figure.data if trace.name == "a" and trace.hovertemplate)
    assert (list(line.x), list(line.y)) == ([0, 5, 9], [0.6, 0.7, 0.8])
    assert [tuple(pair) for pair in line.customdata] == [(0.5, 0.7), (0.6, 0.8), (0.7, 0.9)]
    band = next(trace for trace in figure.data if trace.fill == "toself" and trace.legendgroup == "a")
    assert list(band.y) == [0.7, 0.8, 0.9, 0.7, 0.6, 0.5]
    assert next(trace for trace in figure.data if trace.name == "words 0.75").y == (0.75, 0.75)
    ring = next(trace for trace in figure.data if trace.name == "strongest")
    assert (ring.x, ring.y, ring.text) == ((9,), (0.8,), ("layer 9",))


def test_everything_lies_within_the_axis() -> None:
    low = [Curve("a", [0, 1], [0.2, 0.9], [0.1, 0.8], [0.3, 1.0])]
    bottom, top = layer_curves(low).layout.yaxis.range
    assert bottom <= 0.1
    assert top >= 1.0


def test_backgrounds_are_clear() -> None:
    layout = layer_curves(CURVES).layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"


def luminance(color: str) -> float:
    """Relative luminance by WCAG 2.1."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("color", SERIES)
@pytest.mark.parametrize("background", ["#FFFFFF", "#12161C"])
def test_lines_stand_out_in_both_themes(color: str, background: str) -> None:
    bright, dark = sorted((luminance(color), luminance(background)), reverse=True)
    assert (bright + 0.05) / (dark + 0.05) >= 3  # WCAG 1.4.11 for graphics


def test_colours_differ() -> None:
    assert all(one != other for one, other in itertools.combinations(SERIES, 2))
