"""The Features page: lists, filters and cards against the index; notes, directions, texts of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.dictionaries import Dictionary
from core.dictionaries.index import Index
from core.dictionaries.index.active import active_in
from core.dictionaries.index.detection import Detected
from core.dictionaries.index.feature import feature_of
from core.dictionaries.index.notes import notes_of, say
from core.directions import load_direction
from core.models import Model, open_model
from tests.made_features import FEATURES, LAYER, index_small, save_small
from tests.pages import forget, open_alone, save_colours, texts_of
from tests.tiny import SENTENCES, tiny_directory


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_directory(tmp_path_factory.mktemp("features"), "llama"))


@pytest.fixture
def model(home_with_model: Path, directory: str) -> Model:
    return open_model(directory)


@pytest.fixture
def dictionary(model: Model) -> Dictionary:
    return save_small(model)


@pytest.fixture
def index(model: Model, dictionary: Dictionary, tmp_path: Path) -> Index:
    return index_small(model, dictionary, tmp_path)


def opened(directory: str, **query: str) -> AppTest:
    app = open_alone("features", **{"model": directory, "layer": "1", **query})
    assert not app.exception
    return app


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.main.button if button.label == label).click()
    app.run()
    assert not app.exception
    return app


def listed(app: AppTest) -> list[int]:
    return app.dataframe[0].value["feature"].tolist()


def tokens(app: AppTest, place: int = 0) -> list[dict[str, Any]]:
    return json.loads(app.get("bidi_component")[place].proto.json)["tokens"]


def test_without_a_dictionary_the_page_leads_on(model: Model, directory: str) -> None:
    app = opened(directory)
    assert "There is no dictionary for" in texts_of(app)
    assert {"Kind", "Size"} <= {box.label for box in app.main.selectbox}
    next(box for box in app.main.selectbox if box.label == "Kind").set_value("neurons").run()
    press(app, "Start")
    (job,) = jobs.jobs()
    assert job.arguments[:5] == ("sae", "train", directory, "--layer", "1")
    assert job.arguments[5:7] == ("--method", "neurons")
    jobs.cancel(job.id)


def test_without_an_index_one_is_offered(dictionary: Dictionary, directory: str) -> None:
    app = opened(directory)
    assert "has no index yet" in texts_of(app)
    press(app, "Index")
    (job,) = jobs.jobs()
    assert job.arguments[:3] == ("sae", "index", "mine")
    jobs.cancel(job.id)


def test_all_features_are_listed_sorted_and_filtered(index: Index, directory: str) -> None:
    app = opened(directory)
    assert not app.error
    assert listed(app) == np.argsort(-index.density, kind="stable").tolist()
    assert f"{FEATURES} of {FEATURES} features" in texts_of(app)
    app = opened(directory, sort="max", reversed="yes", dead="live")
    largest = index.columns["max"]
    live = [one for one in np.argsort(largest, kind="stable").tolist() if index.columns["count"][one]]
    assert listed(app) == live
    assert FEATURES - 1 not in listed(app)
    least = float(np.median(index.density))
    app = opened(directory, density_from=f"{least:.3f}")
    assert set(listed(app)) == set(np.flatnonzero(index.density >= float(f"{least:.3f}")).tolist())
    app = opened(directory, find="nothing is called like this")
    assert "No feature is like that" in texts_of(app)


def test_what_texts_hold_is_found(index: Index, model: Model, directory: str) -> None:
    from core.dictionaries.index import search

    word = SENTENCES[0].split()[1]
    found = [one.feature for one in search.by_text(index, model, word)]
    assert found
    app = opened(directory, find=word, find_in="text")
    assert listed(app) == found[:50]


def test_a_card_shows_what_the_index_knows(index: Index, model: Model, directory: str) -> None:
    number = int(index.density.argmax())
    app = opened(directory, feature=str(number))
    one = feature_of(index, model, number)
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Density"] == f"{one.density:.3%}"
    assert metrics["Maximum"] == f"{one.max:.3g}"
    top = [example for example in one.examples if example.band == "top"]
    drawn = tokens(app)
    values = [token["value"] for token in drawn]
    assert values == [token.value for example in top for token in example.tokens]
    assert [token["strong"] for token in drawn if "strong" in token] == [True] * len(top)
    assert drawn[0]["head"].startswith(f"{top[0].value:.3g}")
    app = opened(directory, feature=str(number), examples="spread")
    middle = [example for example in one.examples if example.band not in ("top", "lowest")]
    assert len([token for token in tokens(app) if "head" in token]) == len(middle)


def test_hostile_text_is_shown_as_text(index: Index, model: Model, dictionary: Dictionary, directory: str) -> None:
    say(dictionary.key, 3, label="<b>x</b> **y** \u202ez", note="[a](javascript:alert(1))")
    app = opened(directory, feature="3")
    header = next(one.value for one in app.header if "\\<b" in one.value)
    assert "<b>" not in header.replace("\\<", "")
    assert "\\*\\*y" in header
    assert "⟨U+202E⟩" in app.dataframe[0].value.set_index("feature")["label"][3]
    assert not any("](javascript" in one.value for one in app.markdown)


def test_a_dead_feature_has_a_card(index: Index, directory: str) -> None:
    app = opened(directory, feature=str(FEATURES - 1))
    assert "is on at none of the" in texts_of(app)
    assert not app.error


def test_labels_notes_and_bookmarks_are_kept_and_undone(
    index: Index, dictionary: Dictionary, directory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, asked = int(index.density.argmax()), []

    def test(_index: Index, _model: Model, feature: int, label: str) -> Detected:
        asked.append((feature, label))
        return Detected(0.75, 9, 9)

    monkeypatch.setattr("core.dictionaries.index.meaning.score_by_meaning", test)
    monkeypatch.setattr("core.models.embedder.embedder_version", lambda: "1")
    app = opened(directory, feature=str(number))
    next(box for box in app.main.text_input if box.label == "What it is about").set_value("dogs")
    press(app, "Save")
    assert notes_of(dictionary.key)[number].label == "dogs"
    assert asked == [(number, "dogs")]
    assert notes_of(dictionary.key)[number].score == 0.75
    assert {metric.label: metric.value for metric in app.metric}["Label score"] == "0.75"
    assert "dogs" in next(one.value for one in app.header if one.value.startswith(f"{number} "))
    assert app.dataframe[0].value.set_index("feature")["label"][number] == "dogs"
    press(app, "Bookmark")
    assert notes_of(dictionary.key)[number].bookmark
    assert listed(opened(directory, marked="yes")) == [number]
    press(app, "Undo")
    press(app, "Undo")
    assert notes_of(dictionary.key) == {}


def test_a_feature_becomes_a_direction(index: Index, dictionary: Dictionary, directory: str) -> None:
    app = opened(directory, feature="5")
    press(app, "Use as direction")
    saved = load_direction("mine-f5")
    row = dictionary.coder.W_dec[5].numpy()
    np.testing.assert_allclose(saved.vector, row / np.linalg.norm(row), atol=1e-6)
    assert saved.raw_norm == pytest.approx(float(np.linalg.norm(row)))
    assert saved.layer == LAYER
    press(app, "Use as direction")  # again: it is there already, and the same
    assert not app.error


def test_a_text_shows_the_features_that_are_on(
    index: Index, model: Model, dictionary: Dictionary, directory: str
) -> None:
    text = f"{SENTENCES[0]} and {SENTENCES[1]}"
    app = opened(directory, features="text", text=text, frequent="1")
    assert not app.error
    read = active_in(model, dictionary, text)
    found = [one.feature for one in read.strongest()]
    assert listed(app) == found
    values = [token["value"] for token in tokens(app)]
    codes = read.codes_of(found[0])
    assert [value for value in values if value is not None] == pytest.approx(codes[~np.isnan(codes)].tolist())
    frequent = [one for one in found if index.density[one] <= 0.1]
    app = opened(directory, features="text", text=text)
    assert not frequent or listed(app) == frequent


def test_a_card_reads_a_text_of_ones_own(index: Index, model: Model, dictionary: Dictionary, directory: str) -> None:
    number = int(index.density.argmax())
    app = opened(directory, feature=str(number), examples="own", text=SENTENCES[2])
    codes = active_in(model, dictionary, SENTENCES[2]).codes_of(number)
    values = [token["value"] for token in tokens(app)]
    assert [value for value in values if value is not None] == pytest.approx(codes[~np.isnan(codes)].tolist())


def test_features_are_ranked_for_the_sidebars_concept(
    index: Index, model: Model, dictionary: Dictionary, directory: str
) -> None:
    from core.dictionaries.index.concept import features_for
    from core.examples import open_examples

    save_colours()
    query = {"features": "concept", "concept": "colours", "concept_texts": "40"}
    app = opened(directory, **query)
    press(app, "Rank the features")
    (job,) = jobs.jobs()
    assert job.arguments[:5] == ("sae", "features", "mine", "--examples", "colours")
    jobs.cancel(job.id)
    finish(job, {"total": 0})
    app = opened(directory, **query)
    assert not app.error
    found = features_for(model, dictionary, open_examples("colours", limit=40))
    assert listed(app) == [one.feature for one in found.features]
    shown = app.dataframe[0].value
    assert shown["AUROC"].tolist() == pytest.approx([one.auroc for one in found.features])
    assert shown["p"].tolist() == pytest.approx([one.p_adjusted for one in found.features])
    assert f"feature **{found.best.feature}**" in texts_of(app)


def test_the_map_is_drawn_by_a_job_and_shown(index: Index, dictionary: Dictionary, directory: str) -> None:
    from core.dictionaries.maps.feature_map import feature_map

    app = opened(directory, features="map")
    press(app, "Compute")
    (job,) = jobs.jobs()
    assert job.arguments == ("sae", "map", "mine")
    jobs.cancel(job.id)
    points = feature_map(dictionary)
    app = opened(directory, features="map", map_colour="max", feature="4")
    drawn = json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    assert sum(len(numbers(trace["x"])) for trace in drawn[:2]) == FEATURES
    ring = drawn[-1]
    assert numbers(ring["x"]) == pytest.approx(points[4, :1], abs=1e-5)


def finish(job: jobs.Job, result: dict[str, Any]) -> None:
    """Lay down what the job would have, had it been let run."""
    import time

    from core.job_process import folder_of
    from core.workspace import write_json

    write_json(folder_of(job.id) / "result.json", result)
    write_json(folder_of(job.id) / "outcome.json", {"exit": 0, "ended": time.time()})


def numbers(values: Any) -> list[float]:
    if isinstance(values, dict):
        import base64

        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).tolist()
    return list(values)
