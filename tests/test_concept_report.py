"""The report: its numbers are those of its data, nothing of a text becomes markup, and nothing is fetched."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from core.concept import compute_missing, gather
from core.concept.report import report_data, report_html
from core.concept.report.markup import Markup, Number, embedded, escape
from core.concept.telling import summary
from core.models import Model
from tests.concepts import HOSTILE, measure_norms, save_moods, small_question

COMMAND = "python -m core report tiny --examples '</pre><script>alert(2)</script>'"


class Parsed(HTMLParser):
    """What a reader of the file finds: numbers with their paths, scripts, tags, and all visible text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.numbers: list[tuple[str, str, str]] = []
        self.scripts: dict[str, str] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self._number: tuple[str, str] | None = None
        self._script = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        self._open.append(tag)
        if tag == "data":
            self._number = (str(given["data-path"]), str(given["value"]))
        if tag == "script":
            self._script = str(given.get("id", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "data":
            self._number = None
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else ""
        if inside == "script":
            self.scripts[self._script] = self.scripts.get(self._script, "") + data
        elif inside != "style":
            self.text += data
        if self._number is not None:
            self.numbers.append((*self._number, data))


@pytest.fixture(scope="module")
def written(
    tmp_path_factory: pytest.TempPathFactory, tiny: Model, prepared_home: Path
) -> Iterator[tuple[str, dict[str, Any]]]:
    patch = pytest.MonkeyPatch()
    patch.setenv("CONCEPTSCOPE_HOME", str(tmp_path_factory.mktemp("report") / "home"))
    save_moods()
    measure_norms(tiny, prepared_home)
    question = small_question(tiny, "moods", dictionary="")
    empty = report_html(gather(tiny, question), COMMAND)
    assert "This was not computed." in Parsed(empty).text
    found = compute_missing(tiny, question)
    yield report_html(found, COMMAND), report_data(found, COMMAND)
    patch.undo()


def test_every_number_is_the_one_in_the_data(written: tuple[str, dict[str, Any]]) -> None:
    html, data = written
    parsed = Parsed(html)
    inside = json.loads(parsed.scripts["data"])
    assert inside == json.loads(json.dumps(data))
    assert len(parsed.numbers) > 60
    for path, value, shown in parsed.numbers:
        found: Any = inside
        for key in path.split("/"):
            found = found[int(key)] if isinstance(found, list) else found[key]
        assert float(value) == found, path
        digits = shown.replace("−", "-").rstrip("%")
        size = 100.0 if shown.endswith("%") else 1.0
        assert float(digits) == pytest.approx(found * size, rel=0.06, abs=0.006 * size), path
    paths = {path for path, _, _ in parsed.numbers}
    for wanted in (
        "views/readable/data/results/0/auroc",
        "views/used/data/results/0/score",
        "views/stable/data/halves/1",
    ):
        assert wanted in paths


def test_sentences_and_charts_are_of_the_same_numbers(written: tuple[str, dict[str, Any]]) -> None:
    html, data = written
    parsed = Parsed(html)
    for name, view in data["views"].items():
        assert (summary(name, view["data"]) if view["state"] == "there" else view["why"]) in parsed.text, name
    for one in data["disagreements"]:
        assert one["sentence"] in parsed.text
    figures = json.loads(parsed.scripts["figures"])
    swept = data["views"]["readable"]["data"]["results"]
    drawn = [trace["y"] for trace in figures["chart-readable"]["data"] if trace.get("name") == "Logistic regression"]
    assert drawn == [[one["auroc"] for one in swept if one["method"] == "logistic"]]
    cells = data["views"]["used"]["data"]["results"]
    # Nothing else makes room for ticks and titles in a file without a theme; that none is cut off, a browser tells.
    for one in figures.values():
        axes = [axis for name, axis in one["layout"].items() if name[:5] in ("xaxis", "yaxis")]
        fixed = one["layout"]["margin"]["l"] > 8
        assert all(axis["automargin"] != fixed for axis in axes if axis.get("visible", True))
    bars = [x for trace in figures["chart-used"]["data"] if trace["type"] == "bar" for x in trace["x"]]
    assert sorted(bars) == sorted(cell["mean_cosine"] for cell in cells)


def test_it_stands_alone_and_says_how_to_make_it_anew(written: tuple[str, dict[str, Any]]) -> None:
    html, _ = written
    parsed = Parsed(html)
    assert len(html.encode()) < 8_000_000
    assert html.count("* plotly.js v") == 1
    assert COMMAND in parsed.text
    for tag, given in parsed.tags:
        assert not {"src", "href"} & set(given), tag
        assert not any(name.startswith("on") for name in given), tag
    policy = next(given["content"] for tag, given in parsed.tags if given.get("http-equiv"))
    assert str(policy).startswith("default-src 'none'")


def test_text_of_others_is_only_text(written: tuple[str, dict[str, Any]]) -> None:
    parsed = Parsed(written[0])
    assert not any(tag == "img" for tag, _ in parsed.tags)
    assert [tag for tag, _ in parsed.tags].count("script") == 4
    markup = Markup({"a": 1.0})
    assert "<img" not in markup.table((HOSTILE,), [[HOSTILE]])
    assert escape('"><b>') == "&quot;&gt;&lt;b&gt;"
    assert "</" not in embedded({"text": HOSTILE})
    assert json.loads(embedded({"text": HOSTILE + "\u2028"})) == {"text": HOSTILE + "\u2028"}


def test_a_number_that_is_not_there_is_a_dash() -> None:
    markup = Markup({"a": {"b": [None, 2.0]}})
    assert markup.number(Number(("a", "b", 0))) == "–"
    assert markup.number(Number(("a", "c", "d"))) == "–"
    assert re.sub("<.*?>", "", markup.number(Number(("a", "b", 1), "+.1f"))) == "+2.0"
