"""Bars between edges and points in the plane: what is drawn is what was given, and others' text is no markup."""

from __future__ import annotations

import numpy as np

from core.charts import Bars, bars, points


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
