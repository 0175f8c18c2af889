"""Further ways of the Features page: a language model names a feature, and a lasso on the map narrows the list."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st

from core.dictionaries import Dictionary
from core.dictionaries.index import Index
from core.dictionaries.index.detection import Detected
from core.dictionaries.index.notes import notes_of
from core.directions import Direction, save_direction
from core.models import Model, open_model
from tests.made_features import FEATURES, LAYER, index_small, save_small
from tests.pages import forget, save_colours, texts_of
from tests.test_pages_features import listed, opened, press
from tests.tiny import tiny_directory


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
    return save_small(model, seed=3)  # no other test's, of which the page may have kept the map


@pytest.fixture
def index(model: Model, dictionary: Dictionary, tmp_path: Path) -> Index:
    return index_small(model, dictionary, tmp_path)


def test_a_model_that_was_set_up_is_asked_for_a_label(
    index: Index, dictionary: Dictionary, directory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, tests = int(index.density.argmax()), []

    def test(_index: Index, _model: Model, feature: int, label: str) -> Detected:
        tests.append((feature, label))
        return Detected(0.625, 9, 9)

    monkeypatch.setattr("core.dictionaries.index.meaning.score_by_meaning", test)
    monkeypatch.setattr("core.models.embedder.embedder_version", lambda: "1")
    app = opened(directory, feature=str(number))
    assert "Ask for a label" not in {button.label for button in app.main.button}
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("CONCEPTSCOPE_LABEL_URL", f"http://127.0.0.1:{port}/v1")
    monkeypatch.setenv("CONCEPTSCOPE_LABEL_MODEL", "namer")
    app = press(opened(directory, feature=str(number)), "Ask for a label")
    assert "cannot be reached" in texts_of(app)
    assert notes_of(dictionary.key) == {}
    answer = {"choices": [{"message": {"content": "small <b>dogs</b>"}}]}
    monkeypatch.setattr("core.dictionaries.index.endpoint._posted", lambda *_: answer)
    app = press(app, "Ask for a label")
    assert tests == [(number, "small <b>dogs</b>")]
    note = notes_of(dictionary.key)[number]
    assert (note.label, note.by, note.score) == ("small <b>dogs</b>", "model", 0.625)
    assert app.dataframe[0].value.set_index("feature")["label"][number] == "small <b>dogs</b>"
    assert listed(opened(directory, named_by="model")) == [number]


def test_features_are_sorted_filtered_and_exported_by_a_probes_weight(
    index: Index, model: Model, dictionary: Dictionary, directory: str
) -> None:
    from core.dictionaries.index.probed import probed

    vector = np.random.default_rng(2).standard_normal(model.width).astype(np.float32)
    here = str(model.site(LAYER))
    up = Direction("up", model.id, model.fingerprint, here, LAYER, vector / np.linalg.norm(vector), 1.0, "pca", {})
    save_direction(up)
    save_direction(replace(up, name="elsewhere", site=str(model.site(0))))
    weight = probed(dictionary, up)["probe_weight"]
    app = opened(directory, probe="up", sort="probe_weight", probe_weight_from="0.01")
    assert not app.error
    choice = next(box for box in app.main.selectbox if box.label == "Probe weights of")
    assert "up" in choice.options
    assert "elsewhere" not in choice.options
    order = [one for one in np.argsort(-weight, kind="stable").tolist() if weight[one] >= 0.01]
    assert listed(app) == order
    assert app.dataframe[0].value["probe_weight"].tolist() == pytest.approx(weight[order].tolist())
    app = opened(directory, probe="up", sort="probe_weight", reversed="yes")
    assert listed(app)[0] == int(weight.argmin())
    plain = opened(directory, probe="nobody", sort="probe_weight")
    assert "probe_weight" not in plain.dataframe[0].value.columns
    assert sorted(listed(plain)) == list(range(len(index.density)))
    led_on = opened(directory, probe=":concept", concept=save_colours())
    assert "look at it on the Probing page first" in texts_of(led_on)


def test_a_lasso_on_the_map_narrows_the_list(
    index: Index, dictionary: Dictionary, directory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.dictionaries.maps.feature_map import feature_map

    points = feature_map(dictionary)
    middle = np.median(points[:, 0])
    left = sorted(np.flatnonzero(points[:, 0] < middle).tolist())
    real, lasso = st.plotly_chart, {"on": False}

    def drawn(figure: Any, **settings: Any) -> Any:
        """What a browser sends back: the points within, with what the figure itself says of each."""
        event = real(figure, **settings)
        if not lasso["on"] or settings.get("key") != "feature_map":
            return event
        within = [
            {"curve_number": number, "point_index": place, "x": x, "customdata": int(trace.customdata[place])}
            for number, trace in enumerate(figure.data)
            for place, x in enumerate(trace.x)
            if trace.customdata is not None and x < middle
        ]
        return {"selection": {"points": within}}

    monkeypatch.setattr(st, "plotly_chart", drawn)
    app = opened(directory, features="map", feature=str(left[0]))
    assert all("density" not in table.value.columns for table in app.dataframe)
    lasso["on"] = True
    app.run()
    assert not app.exception
    assert sorted(listed(app)) == left
    assert app.dataframe[0].value["density"].is_monotonic_decreasing
    assert f"{len(left)} of {FEATURES} features" in texts_of(app)


def test_the_ranking_looks_again_when_a_direction_was_replaced_under_its_name(
    index: Index, directory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace

    from pages.shared import cached, cached_features

    model = SimpleNamespace(fingerprint="f", device=SimpleNamespace(type="cpu"), dtype_name="float32")
    monkeypatch.setattr(cached, "model", lambda _spec: model)
    monkeypatch.setattr(cached, "examples", lambda *_: SimpleNamespace(digest="d"))
    monkeypatch.setattr(cached_features, "_ranking", lambda key, *_: key)
    opened = SimpleNamespace(spec=directory, dictionary=SimpleNamespace(key="k"))
    keys = []
    for value in (1.0, 1.0, 2.0):
        beside = {"mine": np.full(4, value, dtype=np.float32)}
        monkeypatch.setattr(cached_features, "_beside", lambda *_, found=beside: found)
        keys.append(cached_features.ranking(opened, "c", 10, computed=True))  # type: ignore[arg-type]
    assert keys[0] == keys[1] != keys[2]
