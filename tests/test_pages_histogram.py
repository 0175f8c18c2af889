"""The card's histogram: boxes where counts are, on a log axis, with what is said of each."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from core.charts import Bars
from pages.shared.histogram import MOST, placed

EDGES = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]


def test_boxes_stand_where_the_logarithms_of_their_edges_do() -> None:
    made = placed([Bars("positive codes", EDGES, [0, 3, 0, 6, 0])], label="Codes", x_title="code", y_title="tokens")
    (series,) = made["series"]
    first, last = series["boxes"]  # an empty bin between them has none
    assert (first["left"], first["width"], first["height"]) == pytest.approx((0, 100 / 3, 50), abs=0.01)
    assert (last["left"], last["width"], last["height"]) == pytest.approx((200 / 3, 100 / 3, 100), abs=0.01)
    assert first["text"] == "1 to 2: 3 tokens"
    assert made["y"] == "6 tokens"
    assert made["label"] == "Codes: positive codes from 1 to 8, most of them 4 to 8."
    where = {tick["text"]: tick["left"] for tick in made["ticks"]}
    assert list(where) == ["1", "2", "5"]
    assert where["2"] == pytest.approx(100 / 3, abs=0.01)


def test_both_signs_share_one_axis_and_one_scale() -> None:
    some = [Bars("up", EDGES, [1, 0, 0, 0, 0]), Bars("down", EDGES, [0, 0, 0, 0, 4])]
    up, down = placed(some, label="Codes", x_title="code", y_title="tokens")["series"]
    assert (up["boxes"][0]["left"], up["boxes"][0]["height"]) == (0, 25)
    assert down["boxes"][0]["left"] + down["boxes"][0]["width"] == pytest.approx(100, abs=0.01)
    assert up["colour"] != down["colour"]


@pytest.mark.parametrize("ends", [(1.0, 1.1), (1e-3, 1e4), (1e-30, 1e30)])
def test_the_axis_never_has_more_numbers_than_room(ends: tuple[float, float]) -> None:
    made = placed([Bars("x", ends, [1])], label="", x_title="", y_title="")
    assert len(made["ticks"]) <= MOST
    assert all(0 <= tick["left"] <= 100 for tick in made["ticks"])
    assert made["ticks"] or ends[1] < 2


def _page() -> None:
    from core.charts import Bars
    from pages.shared.histogram import histogram

    histogram([Bars("none", [1.0, 2.0], [0])], key="none", label="Nothing", x_title="code", y_title="tokens")
    histogram([Bars("one", [1.0, 2.0], [7])], key="one", label="One", x_title="code", y_title="tokens")


def test_what_reaches_the_browser() -> None:
    app = AppTest.from_function(_page, default_timeout=60).run()
    assert not app.exception
    none, one = (json.loads(shown.proto.json) for shown in app.get("bidi_component"))
    assert (none["series"], none["label"]) == ([], "Nothing: none.")
    assert one["series"][0]["boxes"] == [{"left": 0, "width": 100, "height": 100, "text": "1 to 2: 7 tokens"}]
