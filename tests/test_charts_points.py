"""Bars between edges and points in the plane: what is drawn is what was given, and others' text is no markup."""

from __future__ import annotations

import numpy as np
import pytest

from core.charts import Bars, against, bars, parts, points


def test_bars_stand_where_their_edges_are() -> None:
    edges = [1.0, 2.0, 4.0, 8.0, 16.0]
    figure = bars([Bars("a", edges, [0, 3, 1, 0])], x_title="x", y_title="y", doubling=True)
    (trace,) = figure.data
    ends = [(x - w / 2, x + w / 2) for x, w in zip(trace.x, trace.width, strict=True)]
    assert ends == [(2, 4), (4, 8)]  # what is empty at the ends is left out
    assert list(trace.y) == [3, 1]
    assert figure.layout.xaxis.type == "log"
    assert list(trace.customdata[0]) == ["2", "4"]
    even = bars([Bars("a", [0, 1, 3], [2, 4]), Bars("b", [0, 1, 3], [0, 0])], x_title="x", y_title="y")
    assert list(even.data[0].width) == [1, 2]
    assert figure.layout.showlegend is False
    assert even.layout.showlegend is True


def test_points_keep_their_numbers_and_what_is_not_known_is_grey() -> None:
    xy = np.arange(10, dtype=float).reshape(5, 2)
    values = np.array([0.1, np.nan, 0.0, 1.0, 0.01])
    figure = points(xy, values, ["<b>0</b>", "1", "2", "3", "4"], title="density", marked=3, logarithmic=True)
    grey, known, ring = figure.data
    assert list(grey.customdata) == [1, 2]  # neither nothing nor NaN has a logarithm
    assert list(known.customdata) == [0, 3, 4]
    np.testing.assert_allclose(np.asarray(known.marker.color, dtype=float), [-1, 0, -2])
    np.testing.assert_array_equal(np.asarray(known.x), xy[[0, 3, 4], 0])
    assert known.text[0] == "&lt;b&gt;0&lt;/b&gt;"
    assert (ring.x[0], ring.y[0]) == (6, 7)
    assert len(points(xy, np.full(5, np.nan), ["x"] * 5, title="none").data) == 2


def test_a_log_axis_says_whole_numbers() -> None:
    edges = [2.0**n for n in range(-20, 10)]
    counts = [0] * 22 + [1] * 5 + [0] * 2  # from 4 to 128
    axis = bars([Bars("a", edges, counts)], x_title="x", y_title="y", doubling=True).layout.xaxis
    said = dict(zip(axis.ticktext, axis.tickvals, strict=True))
    assert {"5": 5, "10": 10, "20": 20, "50": 50, "100": 100}.items() <= said.items()
    wide = bars([Bars("a", edges, [1] * 29)], x_title="x", y_title="y", doubling=True).layout.xaxis
    assert dict(zip(wide.ticktext, wide.tickvals, strict=True))["10<sup>-6</sup>"] == pytest.approx(1e-6)
    assert "20" not in wide.ticktext


def test_a_whole_falls_into_parts_and_pairs_stand_against_a_line() -> None:
    figure = parts([("one", 0.25), ("other", 0.75)])
    assert [(bar.name, bar.x[0], bar.text[0]) for bar in figure.data] == [
        ("one", 0.25, "25.0%"),
        ("other", 0.75, "75.0%"),
    ]
    line, some = against([1.0, 2.0], [4.0, 3.0], x_title="x", y_title="y").data
    assert list(line.x) == list(line.y) == [1.0, 4.0]
    assert (list(some.x), list(some.y)) == ([1.0, 2.0], [4.0, 3.0])
