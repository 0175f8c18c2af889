"""Charts of tests: hollow cells, and bars before what chance gives."""

from __future__ import annotations

import numpy as np

from core.charts import MapCell, NullBar, cell_map, null_bars, null_histogram

HOSTILE = '<b>x</b> <a href="javascript:alert(1)">'


def test_cells_not_beyond_chance_have_a_frame_and_no_colour() -> None:
    cells = [
        [MapCell(0.97, True, True, "one"), MapCell(0.6, False, hover="two")],
        [None, MapCell(0.1, True, hover="four")],
    ]
    figure = cell_map([4, 9], [HOSTILE, "other"], cells, title="score", nothing=0.5, reach=0.5, chosen=(0, 1))
    heat, points = figure.data
    assert [list(row) for row in heat.z] == [[0.97, None], [None, 0.1]]
    assert (heat.zmin, heat.zmax) == (0.0, 1.0)
    assert [list(row) for row in heat.text] == [[".97 ★", ""], ["", ".10"]]
    assert list(points.text) == ["", ".60", "", ""]  # the hollow cell's number is written on the page itself
    assert list(points.customdata) == ["one", "two", "", "four"]  # a click's number tells row and column
    hollow, frame = figure.layout.shapes
    assert hollow.line.dash == "dot"
    assert (round(hollow.x0 + hollow.x1) / 2, round(hollow.y0 + hollow.y1) / 2) == (1, 0)
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == (0.5, 1.5, -0.5, 0.5)
    assert "<" not in figure.layout.yaxis.ticktext[0]


def test_many_cells_hold_no_numbers_but_stars() -> None:
    cells = [[MapCell(0.9, True, True)] * 30 for _ in range(10)]
    figure = cell_map(range(30), [str(n) for n in range(10)], cells, title="", nothing=0.5, reach=0.5)
    assert {text for row in figure.data[0].text for text in row} == {"★"}


def test_bars_stand_before_a_cloud_as_wide_as_their_null() -> None:
    edges = [-0.3, -0.1, 0.1, 0.3, 0.5]
    bars = [
        NullBar("one", 0.4, 0.3, 0.5, edges, [1, 8, 1, 0], True),
        NullBar(HOSTILE, -0.05, -0.2, 0.1, edges, [2, 6, 2, 0], False),
    ]
    figure = null_bars(bars, title="mean cosine")
    clouds = [trace for trace in figure.data if trace.type == "scatter"]
    assert (min(clouds[0].x), max(clouds[0].x)) == (-0.3, 0.3)  # bins that hold nothing are not drawn
    heights = np.asarray(clouds[0].y)
    assert heights.max() == -heights.min() > 0.4
    one, other = (trace for trace in figure.data if trace.type == "bar")
    np.testing.assert_allclose(one.error_x.array, [0.1])
    np.testing.assert_allclose(one.error_x.arrayminus, [0.1])
    assert one.marker.color.endswith("0.85)")
    assert other.marker.color.endswith("0.0)")  # hollow
    assert "<" not in figure.layout.yaxis.ticktext[1]


def test_a_null_shows_where_the_true_one_lies() -> None:
    figure = null_histogram([-1, 0, 1], [3, 4], 7.6)
    assert list(figure.data[0].x) == [-0.5, 0.5]
    assert figure.layout.shapes[0].x0 == 7.6
    assert figure.layout.xaxis.range[1] > 7.6
