"""The Lens page: both lenses of a prompt, and a text read token by token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import first_concept, jobs
from core.directions import make_direction, save_direction
from core.examples import open_examples
from core.lenses import LensSettings, read_lens, train_lens
from core.models import Model, open_model
from core.probing import probe_readers, read_tokens
from core.stats.told import share
from tests.pages import forget, open_alone, save_colours, texts_of
from tests.test_lenses_training import sentences
from tests.tiny import LAYERS, lively_directory

TEXT = "The house was red\n<b>and</b> warm."


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(lively_directory(tmp_path_factory.mktemp("pages"), "llama"))


@pytest.fixture
def model(home_with_model: Path, directory: str) -> Model:
    save_colours()
    return open_model(directory)


def query(directory: str, **more: str) -> dict[str, str]:
    return {"model": directory, "concept": "colours", "layer": "1", "prompt": TEXT, "text": TEXT, **more}


def figure(app: AppTest, place: int = 0) -> dict[str, Any]:
    return json.loads(app.get("plotly_chart")[place].proto.spec)


def tokens(app: AppTest) -> dict[str, Any]:
    (drawn,) = app.get("bidi_component")
    return json.loads(drawn.proto.json)


def numbers(values: Any) -> np.ndarray:
    """A list of plotly's, which may be packed into bytes."""
    if isinstance(values, dict):
        import base64

        flat = np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
        return flat.reshape([int(n) for n in str(values["shape"]).split(",")])
    return np.array(values, dtype=float)


def test_the_map_holds_what_the_lens_says(model: Model, directory: str) -> None:
    app = open_alone("lens", **query(directory))
    assert not app.exception
    assert not app.error
    found = read_lens(model, TEXT)
    first = max(0, len(found.ids) - 14)
    heat = figure(app)["data"][0]
    np.testing.assert_allclose(numbers(heat["z"]), found.top_probabilities[:, first:, 0], rtol=1e-5)
    assert len(heat["text"]) == LAYERS
    names = figure(app)["layout"]["xaxis"]["ticktext"]
    assert any("&lt;" in name for name in names)  # plotly would take a plain < for markup
    assert not any("<" in name for name in names)


@pytest.mark.parametrize("colour", ["kl", "entropy", "rank"])
def test_a_cell_may_be_coloured_by_something_else(colour: str, model: Model, directory: str) -> None:
    app = open_alone("lens", **query(directory, colour=colour, follow=" the"))
    found = read_lens(model, TEXT, token=" the")
    values = {"kl": found.kl, "entropy": found.entropy, "rank": np.log10(found.rank)}[colour]
    seen = numbers(figure(app)["data"][0]["z"])
    np.testing.assert_allclose(seen, values[:, -seen.shape[1] :], rtol=1e-4, atol=1e-6)


def test_what_is_not_one_token_is_said(model: Model, directory: str) -> None:
    app = open_alone("lens", **query(directory, follow="the film"))
    assert not app.exception
    assert "not one token" in app.error[0].value.replace("\\", "")


def test_a_tuned_lens_is_offered_started_and_shown(model: Model, directory: str) -> None:
    app = open_alone("lens", **query(directory, lens="tuned"))
    assert "There is no tuned lens for this model yet" in texts_of(app)
    assert not app.get("plotly_chart")
    next(button for button in app.button if button.label == "Train the tuned lens").click().run()
    assert not app.exception
    (job,) = jobs.jobs()
    assert job.arguments[:3] == ("lens", "train", directory)
    jobs.cancel(job.id)
    settings = LensSettings(batch_tokens=64, frequent=96, sampled=64, max_length=32)
    lens = train_lens(model, sentences(60), settings=settings)
    jobs.remove(job.id)
    app = open_alone("lens", **query(directory, lens="tuned"))
    assert not app.exception
    seen = numbers(figure(app)["data"][0]["z"])
    expected = read_lens(model, TEXT, lens=lens).top_probabilities[:, :, 0]
    np.testing.assert_allclose(seen, expected[:, -seen.shape[1] :], rtol=1e-5)
    assert "not trained on" in texts_of(app).replace("\n", " ")
    assert len(app.get("plotly_chart")) == 2  # how near both lenses come


def test_tokens_wear_the_probes_scores(model: Model, directory: str) -> None:
    app = open_alone("lens", **query(directory, panel="live"))
    assert not app.exception
    assert "have not been read at layer 1 yet" in texts_of(app)
    assert not app.get("bidi_component")
    next(button for button in app.button if button.label == "Read the examples").click().run()
    assert not app.exception
    assert not app.error
    examples = open_examples("colours", limit=first_concept.LIMIT)
    found = read_tokens(model, TEXT, probe_readers(model, examples, [1], "logistic"))
    shown = tokens(app)["tokens"]
    assert [one["value"] for one in shown[1:]] == pytest.approx(found.z[0, 1:].tolist())
    assert shown[0]["value"] is None  # the first token
    assert "first token" in shown[0]["lines"][1]
    assert any("↵" in one["text"] and one["breaks"] == 1 for one in shown)
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Whole text: probability"] == share(float(found.probability[0]))
    assert "standard deviations of single tokens" in texts_of(app)


def test_all_layers_are_a_grid(model: Model, directory: str) -> None:
    examples = open_examples("colours", limit=first_concept.LIMIT)
    readers = probe_readers(model, examples, range(LAYERS), "diffmean")
    app = open_alone("lens", **query(directory, panel="live", view="grid", reader="diffmean"))
    assert not app.exception
    found = read_tokens(model, TEXT, readers)
    seen = numbers(figure(app)["data"][0]["z"])
    np.testing.assert_allclose(seen[:, 1:], np.where(found.masks == "", found.z, np.nan)[:, 1:], rtol=1e-5)
    assert np.isnan(seen[:, 0]).all()


def test_a_saved_direction_reads_too(model: Model, directory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.probing.readers.reference_texts", lambda: tuple(sentences(20)))
    examples = open_examples("colours", limit=first_concept.LIMIT)
    save_direction(make_direction(model, examples, model.site(2), "diffmean", name="warm"))
    app = open_alone("lens", **query(directory, panel="live", reader="saved:warm"))
    assert not app.exception
    assert not app.error
    assert "ordinary texts" in texts_of(app)
    assert [metric.label for metric in app.metric] == ["Whole text: score"]
    assert "layer 2" in tokens(app)["tokens"][2]["lines"][2]


def test_an_empty_text_is_said(model: Model, directory: str) -> None:
    examples = open_examples("colours", limit=first_concept.LIMIT)
    probe_readers(model, examples, [1], "logistic")
    app = open_alone("lens", **query(directory, panel="live", text="a"))
    assert not app.exception
    assert "write more words" in app.error[0].value.replace("\\", "")
