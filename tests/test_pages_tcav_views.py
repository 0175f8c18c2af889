"""The scan and the check of the TCAV page with results, on a tiny model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from core import jobs
from core.activations import TypicalNorm, write_result
from core.activations.reference import key_of
from core.examples import Examples, open_examples, reference_texts, save_examples
from core.examples.examples import from_lists
from core.models import Model, open_model
from core.tcav import Inputs, Settings, check, make_inputs, pool_of
from core.tcav.known import known_target
from core.tcav.scan import scan
from tests.pages import forget, open_alone, texts_of
from tests.tiny import tiny_directory

SPEC = "the,was|and"
SETTINGS = Settings(("diffmean",), permutations=99)
NOUNS = ["film", "room", "food", "letter", "river", "evening", "music", "city", "day", "street"]


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_directory(tmp_path_factory.mktemp("views"), "llama"))


@pytest.fixture
def model(home_with_model: Path, directory: str, monkeypatch: pytest.MonkeyPatch) -> Model:
    for name, end in (("moods", "today"), ("places", "there"), ("asked", "again")):
        good, bad = ([f"The {noun} was {word} {end}" for noun in NOUNS] for word in ("lovely", "awful"))
        save_examples(from_lists(good, bad, name), name)
    monkeypatch.setattr("pages.shared.tcav_scan.concepts_at_hand", lambda images=False: ["moods", "places"])
    opened = open_model(directory)
    norm = TypicalNorm(median=1.0, n_tokens=1, n_sinks=0, n_texts=2000)  # else taken over two thousand texts
    write_result(key_of(opened, opened.site(2), reference_texts()), asdict(norm))
    return opened


def opened(id: str, limit: int = 1000) -> Examples:
    return open_examples(id, limit=limit)


def inputs() -> Inputs:
    return make_inputs("asked", opened("asked", 100).texts)


def query(directory: str, panel: str) -> dict[str, str]:
    quick = {"cavs": "diffmean", "others": "0", "pushes": "0", "dealt": "99", "check_size": "4", "check_runs": "20"}
    asked = {"concept": "moods", "answer": SPEC, "inputs": "asked", "layer": "2", "panel": panel}
    return {"model": directory, **asked, **quick}


def test_a_scan_ranks_the_sets_and_leads_to_one_of_them(model: Model, directory: str) -> None:
    empty = open_alone("tcav", **query(directory, "scan"))
    assert "Press **Run the scan**: 2 sets" in texts_of(empty)
    sets = [opened(id, 120) for id in ("moods", "places")]
    found = scan(model, sets, known_target(model, SPEC), inputs(), 2, settings=SETTINGS, pushed=0)["results"]
    app = open_alone("tcav", **query(directory, "scan"))
    assert not app.exception
    assert not app.error, [one.value for one in app.error]
    assert jobs.jobs() == []
    said = texts_of(app)
    assert "None of the 2 sets is supported for “the, was ↔ and”" in said
    assert f"mean cosine {found[0]['mean_cosine']:+.3f}".replace("-", "−") in said.replace("\\", "")
    (chart,) = [json.loads(one.proto.spec) for one in app.get("plotly_chart")]
    drawn = [
        trace for trace in chart["data"] if trace.get("x") and any(one["mean_cosine"] in trace["x"] for one in found)
    ]
    assert drawn, "each set's mean cosine stands in the figure"
    assert app.selectbox(key="closer").value == found[0]["concept"]
    assert app.dataframe[0].value["concept"].tolist() == [one["concept"] for one in found]
    next(one for one in app.button if one.label == "Test this concept over layers")


def test_a_check_says_whether_the_test_holds_its_level(model: Model, directory: str) -> None:
    found = check(
        model,
        pool_of(opened("moods")),
        [known_target(model, SPEC)],
        inputs(),
        [2],
        concept=opened("moods"),
        settings=SETTINGS,
        pushed=0,
        runs=20,
        size=4,
    )
    app = open_alone("tcav", **query(directory, "check"))
    assert not app.exception
    assert not app.error, [one.value for one in app.error]
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["False positives"] == f"{found['false_positive_rate']:.1%}"
    assert shown["Power"] == f"{found['power']:.1%}"
    assert f"Of 20 random sets the test called **{round(20 * found['false_positive_rate'])}**" in texts_of(app)
    assert "so few runs say little" in texts_of(app)
    assert "nothing can be called supported" in texts_of(app)
    (chart,) = [json.loads(one.proto.spec) for one in app.get("plotly_chart")]
    named = chart["layout"]["yaxis"]["ticktext"]
    assert named == ["Random sets: p ≤ .05", "Planted: p ≤ .05", "The concept: p ≤ .05"]
