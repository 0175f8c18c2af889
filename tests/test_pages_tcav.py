"""The TCAV page with a tiny model and real texts: choosing, running, verdicts, one cell, what is asked afterwards."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.activations import TypicalNorm, write_result
from core.activations.reference import key_of
from core.examples import from_lists, open_examples, reference_texts, save_examples
from core.models import Model, open_model
from core.stats.told import share
from core.tcav import Reading, Settings, Tcav, make_inputs, tcav
from core.tcav.known import known_target
from tests.pages import forget, open_alone, texts_of
from tests.tiny import tiny_directory

READING = Reading()
SPEC = "the,was|and"
NOUNS = ["film", "room", "food", "letter", "river", "evening", "music", "city", "day", "street"]


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_directory(tmp_path_factory.mktemp("pages"), "llama"))


@pytest.fixture
def model(home_with_model: Path, directory: str) -> Model:
    for name, end in (("moods", "today"), ("places", "there"), ("asked", "again")):
        good, bad = ([f"The {noun} was {word} {end}" for noun in NOUNS] for word in ("lovely", "awful"))
        save_examples(from_lists(good, bad, name), name)
    opened = open_model(directory)
    for layer in (0, 2):  # else taken over two thousand texts, by the job too
        norm = TypicalNorm(median=1.0, n_tokens=1, n_sinks=0, n_texts=2000)
        write_result(key_of(opened, opened.site(layer), reference_texts()), asdict(norm))
    return opened


def query(directory: str, **more: str) -> dict[str, str]:
    quick = {"cavs": "diffmean", "others": "0", "pushes": "0", "dealt": "99"}
    asked = {"concept": "moods", "with": "places", "answer": SPEC, "inputs": "asked", "at": "0,2"}
    return {"model": directory, **asked, **quick, **more}


def computed(model: Model, *concepts: str, specs: tuple[str, ...] = (SPEC,), reading: Reading = READING) -> Tcav:
    """The same as the page asks for, computed by somebody else."""
    return tcav(
        model,
        [open_examples(id, limit=1000) for id in concepts],
        [known_target(model, spec) for spec in specs],
        make_inputs("asked", open_examples("asked", limit=100).texts),
        [0, 2],
        settings=Settings(("diffmean",), permutations=99),
        reading=reading,
        pushed=0,
    )


def figures(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def test_the_empty_state_says_what_to_press_and_what_it_costs(model: Model, directory: str) -> None:
    app = open_alone("tcav", **query(directory))
    assert not app.exception
    assert not app.error, [one.value for one in app.error]
    assert "Press **Run the test**: 2 concepts, 2 layers and 20 inputs" in texts_of(app)


def test_a_test_that_was_computed_anywhere_is_shown_at_once(model: Model, directory: str) -> None:
    found = computed(model, "moods", "places")
    app = open_alone("tcav", **query(directory))
    assert not app.exception
    assert not app.error, [one.value for one in app.error]
    assert jobs.jobs() == []
    heat = figures(app)[0]
    points = next(trace for trace in heat["data"] if trace.get("name") == "cells")
    assert len(points["x"]) == 4
    hollow = [cell for cell in found.results if cell["p_adjusted"] > 0.05 or cell["auroc_p"] > 0.05]
    assert len(heat["layout"].get("shapes", [])) == len(hollow) + 1  # their frames, and that of the chosen cell
    colours = next(trace for trace in heat["data"] if trace["type"] == "heatmap")["z"]
    assert sum(value is None for row in colours for value in row) == len(hollow)
    for cell in found.results:
        assert cell["verdict"] in texts_of(app) + " ".join(str(one.value) for one in app.get("badge"))


def test_a_cell_shows_its_figures_and_its_inputs(model: Model, directory: str) -> None:
    found = computed(model, "moods", "places")
    app = open_alone("tcav", **query(directory, cell="1.2"))
    assert not app.exception
    cell = found.results[3]
    assert (cell["concept"], cell["layer"]) == ("places", 2)
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Sign score"] == share(cell["score"])
    assert shown["AUROC of the CAV"] == share(cell["auroc"])
    next(button for button in app.button if button.label == "Show the inputs").click().run()
    assert not app.exception
    assert not app.error, [one.value for one in app.error]
    tokens = [json.loads(one.proto.json) for one in app.get("bidi_component")]
    assert len(tokens) == 8
    text = "".join(one["text"] for one in tokens[0]["tokens"])
    assert text in open_examples("asked").texts
    assert tokens[0]["tokens"][0]["value"] is None  # the first token is not pooled
    strongest, weakest = (sum(t["value"] or 0 for t in one["tokens"]) for one in (tokens[0], tokens[4]))
    assert strongest > cell["mean_derivative"] > weakest


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"answer": "good"}, "two sets of next words"),
        ({"at": "0,99"}, "no layer 99"),
        ({"at": "x"}, "Layers are numbers"),
        ({"inputs": "prompts"}, "one per line"),
        ({"versus": "against", "rival": "places"}, "against itself"),
    ],
)
def test_what_cannot_be_asked_is_said(model: Model, directory: str, change: dict[str, str], sentence: str) -> None:
    app = open_alone("tcav", **query(directory, **change))
    assert not app.exception
    assert sentence in app.error[0].value.replace("\\", "")


def test_pressing_runs_a_job_whose_result_is_shown(model: Model, directory: str) -> None:
    more = {"inputs": "prompts", "prompts": "\n".join(f"He saw the {noun} and said it was" for noun in NOUNS)}
    app = open_alone("tcav", **query(directory, **more))
    next(button for button in app.button if button.label == "Run the test").click().run()
    assert not app.exception
    (job,) = jobs.jobs()
    assert job.arguments[:4] == ("tcav", directory, "--concepts", "moods,places")
    deadline = time.monotonic() + 300
    while jobs.get(job.id).state == "running" and time.monotonic() < deadline:
        time.sleep(0.2)
    assert jobs.get(job.id).state == "done", jobs.log_tail(job.id)
    app = open_alone("tcav", **query(directory, **more))
    assert not app.exception
    assert "Most support" in texts_of(app)  # the job is done here, so that its stores are there


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        ("entanglement", "Cosines between CAVs"),
        ("confound", "The two CAVs have a cosine of"),
        ("negatives", "z against each pool"),
        ("inputs", "common resamples"),
    ],
)
def test_further_questions_are_answered(model: Model, directory: str, ask: str, sentence: str) -> None:
    computed(model, "moods", "places")
    app = open_alone("tcav", **query(directory, ask=ask))
    assert not app.exception
    assert not app.error, [one.value for one in app.error]
    assert sentence in texts_of(app)


def test_a_set_with_the_same_negatives_is_taken_out_without_p(model: Model, directory: str) -> None:
    bad = [f"The {noun} was awful today" for noun in NOUNS]  # those of moods
    save_examples(from_lists([f"A {noun} was seen" for noun in NOUNS], bad, "seen"), "seen")
    computed(model, "moods", "places")
    for other, withheld in (("seen", True), ("places", False)):
        app = open_alone("tcav", **query(directory, ask="confound", confound=other))
        assert not app.exception
        assert ("The two sets share examples" in texts_of(app)) == withheld
        table = next(one.value for one in app.dataframe if "z" in one.value and len(one.value) == 2)
        assert table["p"].isna().tolist() == table["z"].isna().tolist() == [False, withheld]


def test_bars_stand_before_their_nulls(model: Model, directory: str) -> None:
    found = computed(model, "moods", "places")
    app = open_alone("tcav", **query(directory, across="concept"))
    bars = [trace for trace in figures(app)[1]["data"] if trace["type"] == "bar"]
    seen = sorted(value for trace in bars for value in np.ravel(trace["x"]).tolist())
    own = [cell["mean_cosine"] for cell in found.results if cell["concept"] == "moods"]
    assert len(seen) == len(own) == 2


@pytest.mark.parametrize(("change", "what"), [({}, "it"), ({"pooled": "last"}, "this concept")])
def test_steering_is_promised_along_the_cav_only_where_steering_makes_it(
    model: Model, directory: str, change: dict[str, str], what: str
) -> None:
    reading = Reading(change.get("pooled", "mean"))  # type: ignore[arg-type]
    computed(model, "moods", "places", reading=reading)
    app = open_alone("tcav", **query(directory, cell="1.2"), **change)
    assert f"Steer along {what} at layer 2" in [button.label for button in app.button]


def test_the_cell_that_is_looked_at_is_named_by_its_concept_not_by_its_place(model: Model, directory: str) -> None:
    ways = ([f"The {noun} was {word} then" for noun in NOUNS] for word in ("open", "closed"))
    save_examples(from_lists(*ways, "doors"), "doors")
    computed(model, "moods", "places", "doors")
    computed(model, "moods", "doors")
    link = query(directory, cell="places.2") | {"with": "places,doors"}

    def heading(app: AppTest) -> str:
        assert not app.exception
        return next(one.value for one in app.subheader if " at layer " in one.value)

    assert heading(open_alone("tcav", **link)) == "places at layer 2"
    assert heading(open_alone("tcav", **{**link, "cell": "1.2"})) == "places at layer 2"  # as older links have it
    app = open_alone("tcav", **link)
    app.multiselect(key="with").set_value(["doors"]).run()
    assert heading(app).startswith("moods")  # not what is in its place now


def test_adjusted_p_is_explained_by_its_correction(model: Model, directory: str) -> None:
    from pages.shared.tcav_words import P_HELPS

    assert "share of the findings is false" in P_HELPS["bh"]
    assert "Westfall" in P_HELPS["holm"]
    assert "Westfall" not in P_HELPS["bh"]
