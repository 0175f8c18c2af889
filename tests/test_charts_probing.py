"""The figures of the Probing page hold the numbers they were given, and mark what they were told to mark."""

from __future__ import annotations

import pytest

from core.charts import (
    SERIES,
    SYMBOLS,
    Curve,
    Line,
    Mark,
    Measure,
    Said,
    grid,
    layer_curves,
    lines,
    marks,
    measures,
    reliability,
)

VALUES: list[list[float | None]] = [[0.5, 0.75, None], [0.6, 0.9, 1.0]]
HOVER = [["a0", "a1", "a2"], ["b0", "b1", "b2"]]


def test_a_cell_is_where_its_number_says() -> None:
    figure = grid([0, 7, 9], ["a", "b"], VALUES, HOVER, title="AUROC", ends=(0.5, 1.0), best=(1, 2), chosen=(0, 1))
    heat, cells, best, chosen = figure.data
    assert [list(row) for row in heat.z] == VALUES
    assert (heat.zmin, heat.zmax) == (0.5, 1.0)
    assert [list(row) for row in heat.text] == [[".50", ".75", ""], [".60", ".90", "1.00"]]
    for number in range(6):  # as the page takes a click's number apart
        row, column = divmod(number, 3)
        assert (cells.x[number], cells.y[number], cells.customdata[number]) == (column, row, HOVER[row][column])
    assert (best.x, best.y, chosen.x, chosen.y) == ((2,), (1,), (1,), (0,))
    assert list(figure.layout.xaxis.ticktext) == ["0", "7", "9"]


def test_many_cells_hold_no_numbers() -> None:
    figure = grid(list(range(101)), ["a", "b"], [[0.5] * 101] * 2, [[""] * 101] * 2, title="", ends=(0, 1))
    assert figure.data[0].text is None


def test_marks_have_their_intervals_and_controls_are_grey() -> None:
    rows = [
        Mark("probe", 0.8, 0.7, 0.95),
        Mark("words", 0.6, 0.5, 0.65, control=True),
        Mark("majority", 0.5, control=True),
    ]
    figure = marks(rows)
    own, controls = figure.data
    assert (own.x, own.y, own.error_x.array, own.error_x.arrayminus) == (
        (0.8,),
        (0.0,),
        pytest.approx((0.15,)),
        pytest.approx((0.1,)),
    )
    assert (controls.x, controls.y) == ((0.6, 0.5), (1.0, 2.0))
    assert own.marker.color == SERIES[0] != controls.marker.color
    assert own.customdata[0] == "probe: 0.800 (0.700 to 0.950)"
    low, high = figure.layout.xaxis.range
    assert low <= 0.5
    assert high >= 0.95


def test_series_of_one_row_stand_apart() -> None:
    figure = marks([Mark("a", 0.8, series="one"), Mark("a", 0.6, series="two")])
    assert figure.data[0].y != figure.data[1].y
    assert figure.data[0].marker.symbol != figure.data[1].marker.symbol
    assert figure.layout.showlegend


def test_lines_double_and_leave_gaps() -> None:
    figure = lines([Line("p", [50, 100], [0.5, None], [0.4, 0.4], [0.6, 0.7])], x_title="n", y_title="", doubling=True)
    band, line = figure.data
    assert list(band.y) == [0.6, 0.7, 0.4, 0.4]
    assert list(line.y) == [0.5, None]
    assert (figure.layout.xaxis.type, list(figure.layout.xaxis.ticktext)) == ("log", ["50", "100"])


def test_reliability_holds_shares_and_counts() -> None:
    figure = reliability([Said(0.15, 0.1, 0.05, 0.2, 40, (0.1, 0.2)), Said(0.9, 0.8, 0.7, 0.9, 10, (0.8, 0.9))])
    bars, diagonal, points = figure.data
    assert list(bars.customdata) == [40, 10]
    assert bars.y[0] == 4 * bars.y[1]
    assert (list(points.x), list(points.y)) == ([0.15, 0.9], [0.1, 0.8])
    assert list(points.error_y.array) == pytest.approx([0.1, 0.1])
    assert (list(diagonal.x), list(diagonal.y)) == ([0, 1], [0, 1])


def test_each_measure_has_its_own_axis_and_ring() -> None:
    some = [Measure("auroc", [0.5, 0.9], 1), Measure("divergence", [0.3, 0.1], 0, [0.05, 0.05])]
    figure = measures([4, 8], some)
    rings = [trace for trace in figure.data if trace.name == "highest"]
    assert [(ring.x, ring.y, ring.text) for ring in rings] == [
        ((8,), (0.9,), ("layer 8",)),
        ((4,), (0.3,), ("layer 4",)),
    ]
    assert figure.layout.yaxis.title.text == "auroc"
    assert figure.layout.yaxis2.title.text == "divergence"


def test_five_methods_differ_in_colour_and_shape() -> None:
    curves = [Curve(str(number), [0, 1], [0.6, 0.7], [0.5, 0.6], [0.7, 0.8]) for number in range(5)]
    shown = [trace for trace in layer_curves(curves).data if trace.hovertemplate]
    assert len({trace.line.color for trace in shown}) == len({trace.marker.symbol for trace in shown}) == 5
    assert len(SERIES) == len(SYMBOLS) == 5


def test_scores_beyond_one_are_not_cut_off() -> None:
    figure = layer_curves(
        [Curve("a", [0, 1], [1.0, 4.0], [1.0, 4.0], [1.0, 4.0])], title="Compression", share=False, nothing=1.0
    )
    bottom, top = figure.layout.yaxis.range
    assert bottom < 1.0
    assert top > 4.0
