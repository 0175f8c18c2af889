"""The library's directions: listed, looked into, combined, renamed, deleted and brought back, opened from files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.directions import Direction, delete_direction, export, list_directions, load_direction, save_direction
from core.models import Model
from tests.pages import forget, open_alone, texts_of

WIDTH = 576


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    forget()
    yield
    forget()


def save(name: str, seed: int, **changes: object) -> Direction:
    raw = np.random.default_rng(seed).standard_normal(WIDTH)
    values: dict = {
        "name": name,
        "model_id": "smollm2",
        "model_fingerprint": "f" * 24,
        "site": "model.layers.13 output",
        "layer": 13,
        "vector": (raw / np.linalg.norm(raw)).astype(np.float32),
        "raw_norm": 8.5,
        "method": "diffmean",
        "provenance": {
            "examples": {"id": "sst2", "title": "Reviews <b>bold</b>"},
            "held_out": {"auroc": 0.812, "interval": [0.79, 0.83]},
            "created": "2026-01-02T03:04:05+00:00",
        },
    }
    direction = Direction(**values | changes)
    save_direction(direction)
    return direction


@pytest.fixture
def library(smollm2: Model, home_with_model: Path) -> Path:
    save("mood", 1, model_fingerprint=smollm2.fingerprint)
    save("length", 2, model_fingerprint=smollm2.fingerprint)
    return home_with_model


def opened(**query: str) -> AppTest:
    app = open_alone("library", view="directions", **query)
    assert not app.exception
    return app


def press(app: AppTest, label: str) -> AppTest:
    """Press the button of this label on the page, and run."""
    next(button for button in app.main.button if button.label == label).click()
    app.run()
    assert not app.exception
    return app


def test_an_empty_library_says_what_to_do(home_with_model: Path) -> None:
    app = opened()
    assert "No direction is saved yet" in texts_of(app)
    assert not app.error


def test_all_directions_are_listed_and_one_is_looked_into(library: Path) -> None:
    app = opened(looked="mood")
    assert not app.error
    table = app.dataframe[0].value
    assert list(table["name"]) == ["length", "mood"]
    assert list(table["AUROC"]) == [0.812, 0.812]
    assert app.header[0].value == "mood"
    assert app.metric[0].value == "0.812"
    assert "0.790 to 0.830" in app.metric[0].help
    assert all("<b>" not in one.value for one in app.markdown), "texts of others are never markup"
    words = app.dataframe[1].value
    assert list(words["name"]) == ["length", "mood"]
    assert all(len(cell.split()) >= 4 for cell in words["promotes"])


def test_a_direction_of_a_model_that_is_gone_is_still_listed(library: Path) -> None:
    save("stranger", 3, model_id="./gone", model_fingerprint="0" * 24)
    app = opened(looked="stranger")
    assert app.header[0].value == "stranger"
    assert "no model directory" in app.error[0].value


def test_rename_delete_and_undo(library: Path) -> None:
    before = load_direction("mood")
    app = opened(looked="mood")
    press(app, "Delete")
    assert [one.name for one in list_directions()] == ["length"]
    press(app, "Undo")
    assert load_direction("mood").to_json() == before.to_json()
    assert app.header[0].value == "mood"
    next(field for field in app.main.text_input if field.label == "New name").set_value("temper")
    press(app, "Rename")
    assert [one.name for one in list_directions()] == ["length", "temper"]
    assert app.header[0].value == "temper"
    next(field for field in app.main.text_input if field.label == "New name").set_value("a/b")
    press(app, "Rename")
    assert "cannot be a name" in app.error[0].value.replace("\\", "")


def test_combine(library: Path) -> None:
    app = opened()
    app.main.text_input(key="combine_name").set_value("both")
    next(field for field in app.main.text_input if field.label == "Sum").set_value("mood - 0.5*length")
    press(app, "Combine")
    raw = load_direction("mood").vector.astype(float) - 0.5 * load_direction("length").vector.astype(float)
    np.testing.assert_allclose(load_direction("both").vector, raw / np.linalg.norm(raw), atol=1e-6)
    assert app.header[0].value == "both"
    assert "was not measured" in texts_of(app)
    next(field for field in app.main.text_input if field.label == "Sum").set_value("mood-length")
    app.main.text_input(key="combine_name").set_value("other")
    press(app, "Combine")
    assert "write spaces" in app.error[0].value


def test_open_a_file(library: Path) -> None:
    data = export([load_direction("mood")], "safetensors")
    delete_direction("mood")
    app = opened()
    app.main.file_uploader(key="direction_file").set_value(("mood.safetensors", data, "application/octet-stream"))
    app.main.text_input(key="import_name").set_value("back")
    press(app, "Save")
    assert not app.error
    assert load_direction("back").provenance["examples"]["id"] == "sst2"
    app.main.file_uploader(key="direction_file").set_value(("evil.csv", b"\x80\x04evil", "application/octet-stream"))
    app.main.text_input(key="import_name").set_value("evil")
    press(app, "Save")
    assert "a pickle" in app.error[0].value
    assert [one.name for one in list_directions()] == ["back", "length"]


def test_steer_with_this_leads_to_the_steering_page_with_the_direction_chosen(library: Path) -> None:
    from tests.pages import ROOT

    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.run()
    app.query_params["view"], app.query_params["looked"] = "directions", "mood"
    app.switch_page("pages/library.py").run()
    press(app, "Steer with this")
    assert app.title[0].value == "Steering"
    assert app.selectbox(key="direction").value == "mood"
