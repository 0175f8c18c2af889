"""The heat map holds the numbers and names it was given, and no name can become markup."""

from __future__ import annotations

import numpy as np

from core.charts import heat_map

VALUES = np.array([[0.0, -1.5, np.nan], [0.5, 3.0, 1.0]])
NAMES = ["a", "a", '<a href="x">&']
HOVER = [["one\n<b>two</b>"] * 3] * 2


def test_numbers_and_names() -> None:
    figure = heat_map(VALUES, ["0", "1"], NAMES, title="z", hover=HOVER, texts=[NAMES] * 2, high=2.0, diverging=True)
    (trace,) = figure.data
    assert [list(row) for row in trace.z] == [[0.0, -1.5, None], [0.5, 3.0, 1.0]]
    assert (trace.zmin, trace.zmax) == (-2.0, 2.0)
    assert trace.customdata[0][0] == "one<br>&lt;b&gt;two&lt;/b&gt;"
    assert list(figure.layout.xaxis.ticktext) == ["a", "a", '&lt;a href="x"&gt;&amp;']
    assert trace.text[0][2] == '&lt;a href="x"&gt;&amp;'
    assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)"


def test_ends_of_the_scale() -> None:
    plain = heat_map(VALUES, ["0", "1"], NAMES, title="z", hover=HOVER, low=0.0)
    assert (plain.data[0].zmin, plain.data[0].zmax) == (0.0, None)
    assert heat_map(VALUES, ["0", "1"], NAMES, title="z", hover=HOVER, diverging=True).data[0].zmax == 3.0
    empty = heat_map(np.full((1, 1), np.nan), ["0"], ["a"], title="z", hover=[[""]], diverging=True)
    assert empty.data[0].zmax == 1.0
