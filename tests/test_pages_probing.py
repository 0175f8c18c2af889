"""The Probing page with a tiny model and real texts: choosing, running, showing, exporting."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from core import jobs
from core.examples import open_examples
from core.models import Model, open_model
from core.probing import sweep
from pages.shared.downloads import frame_csv
from pages.shared.estimate import of_sweep
from pages.shared.sweeps import sweep_table
from tests.pages import forget, open_alone, open_through_app, save_colours, texts_of
from tests.tiny import LAYERS, tiny_directory


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
    save_colours()
    return open_model(directory)


def query(directory: str, **more: str) -> dict[str, str]:
    return {"model": directory, "concept": "colours", "limit": "40", **more}


def test_the_empty_state_says_what_to_press_and_what_it_costs(model: Model, directory: str) -> None:
    app = open_alone("probing", **query(directory))
    assert not app.exception
    assert not app.error
    shown = texts_of(app)
    assert "Press **Run the sweep**: 40 texts" in shown
    assert f"{LAYERS} layers" in shown
    assert "is red and orange." in shown  # a positive in the preview
    checked = next(one.label for one in app.expander if one.label.startswith("Checked before anything is computed"))
    assert "warning" in checked


def test_a_sweep_that_was_computed_anywhere_is_shown_at_once(model: Model, directory: str) -> None:
    found = sweep(model, open_examples("colours", limit=40), range(LAYERS))
    app = open_alone("probing", **query(directory))
    assert not app.exception
    assert f"Strongest at **layer {found.best.layer}**" in texts_of(app)
    assert len(app.get("plotly_chart")) == 2  # the curves, and the strongest probe beside its controls
    assert jobs.jobs() == []  # nothing was started
    app = open_alone("probing", **query(directory, view="table"))
    assert app.dataframe[0].value["auroc"].tolist() == [one.auroc for one in found.results]


def test_other_choices_do_not_show_the_old_result(model: Model, directory: str) -> None:
    sweep(model, open_examples("colours", limit=40), range(LAYERS))
    for other in ({"limit": "30"}, {"pool": "last"}, {"methods": "diffmean"}, {"layers": "0,1"}):
        app = open_alone("probing", **query(directory, **other))
        assert not app.exception
        assert "Strongest" not in texts_of(app), other


def test_pressing_runs_a_job_whose_result_is_shown(model: Model, directory: str) -> None:
    app = open_alone("probing", **query(directory, methods="diffmean"))
    next(button for button in app.button if button.label == "Run the sweep").click().run()
    assert not app.exception
    (job,) = jobs.jobs()
    assert job.arguments[:4] == ("probe", directory, "--examples", "colours")
    deadline = time.monotonic() + 120
    while jobs.get(job.id).state == "running" and time.monotonic() < deadline:
        time.sleep(0.2)
    assert jobs.get(job.id).state == "done", jobs.log_tail(job.id)
    assert jobs.get(job.id).result["best"]["auroc"] > 0.9  # colours are words, which even random weights keep apart
    app = open_alone("probing", **query(directory, methods="diffmean"))
    assert "Strongest at **layer" in texts_of(app)


@pytest.mark.parametrize(
    ("layers", "sentence"), [("1,x", "Layers are numbers"), ("0,99", "no layer 99"), ("-1", "no layer -1")]
)
def test_layers_that_are_not_there_are_said(model: Model, directory: str, layers: str, sentence: str) -> None:
    app = open_alone("probing", **query(directory, layers=layers))
    assert not app.exception
    assert sentence in app.error[0].value.replace("\\", "")


def test_pasted_texts_become_the_concept(model: Model, directory: str) -> None:
    app = open_alone("probing", model=directory)
    positives, negatives = (area for area in app.text_area if "per line" in area.label)
    positives.set_value("\n".join(f"a lovely <b>day</b> {i}" for i in range(12)))
    negatives.set_value("\n".join(f"an awful day {i}" for i in range(12)))
    next(button for button in app.button if button.label == "Use these texts").click().run()
    assert not app.exception
    assert not app.error
    name = app.sidebar.selectbox(key="concept").value
    assert name.startswith("pasted-")
    assert open_examples(name).n_positives == 12
    assert app.query_params["concept"] == name
    assert any(text.value.startswith("a lovely <b>day</b>") for text in app.text)  # as text, not as markup


def test_too_few_pasted_texts_are_said(model: Model, directory: str) -> None:
    app = open_alone("probing", model=directory)
    next(area for area in app.text_area if "Positives" in area.label).set_value("only one")
    next(button for button in app.button if button.label == "Use these texts").click().run()
    assert not app.exception
    assert len(app.error) == 1


def test_the_table_survives_csv(model: Model) -> None:
    found = sweep(model, open_examples("colours", limit=40), [0, 2], methods=("diffmean",))
    table = sweep_table(found)
    again = pd.read_csv(io.StringIO(frame_csv(table)))
    pd.testing.assert_frame_equal(table, again, check_exact=False, rtol=1e-12, check_dtype=False)
    assert table["layer"].tolist() == [0, 2]


def test_the_estimate_grows_with_the_work(home: Path) -> None:
    save_colours(rows=200)
    small, large = open_examples("colours", limit=40), open_examples("colours")
    assert of_sweep(small, 30, None, 2) != of_sweep(large, 30, None, 2)
    assert "2 layers" in of_sweep(small, 30, (0, 1), 2)


def test_steer_at_a_layer_pushes_that_direction_whatever_was_pushed_before(model: Model, directory: str) -> None:
    found = sweep(model, open_examples("colours", limit=40), range(LAYERS))
    leftovers = {"from": "pasted", "layers": "0", "more": "1", "method": "pca"}
    app = open_through_app("steering", model=directory, concept="colours")
    for key, text in leftovers.items():
        app.query_params[key] = text
    app.run()
    assert app.text_input(key="layers").value == "0"
    app.query_params.clear()
    app.switch_page("pages/probing.py")
    for key, text in query(directory).items():
        app.query_params[key] = text
    app.run()
    assert app.text_input(key="layers").value == "all"
    next(button for button in app.button if button.label == f"Steer at layer {found.best.layer}").click().run()
    assert not app.exception
    assert app.title[0].value == "Steering"
    assert app.segmented_control(key="from").value == "concept"
    assert app.selectbox(key="method").value == found.best.method
    assert app.text_input(key="layers").value == ""
    assert not [box for box in app.text_input if box.key == "layers_2"]
    assert app.sidebar.slider(key="layer").value == found.best.layer
