"""The tour: every step shows what the bundled results say, and leads on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import first_concept
from core.tour import Tour, open_tour
from pages.shared.text import verbatim
from tests.pages import ROOT, forget, open_alone, open_through_app, texts_of

STEPS = ("probe", "test", "browse", "steer", "yours")


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture
def tour() -> Tour:
    found = open_tour()
    assert found is not None
    return found


def charts(app: AppTest) -> int:
    return len(app.get("plotly_chart"))


def test_one_goes_through_it_by_next_and_back(home: Path) -> None:
    """In an empty workspace, where nothing was computed: nobody waits for a model."""
    app = open_alone("tour")
    seen = [app.header[0].value]
    for step in STEPS[1:]:
        app.button(key="next").click().run()
        assert not app.exception
        assert not app.error
        assert app.query_params["step"] == [step] or app.query_params["step"] == step
        seen.append(app.header[0].value)
    assert len(set(seen)) == len(STEPS)
    with pytest.raises(KeyError):
        app.button(key="next")
    app.button(key="back").click().run()
    assert app.header[0].value == seen[-2]


def test_each_step_says_its_numbers(home_with_model: Path, tour: Tour) -> None:
    best = tour.sweep.best
    app = open_alone("tour")
    assert charts(app) == 1
    assert f"Strongest at layer {best.layer}" in texts_of(app)
    assert f"{best.auroc:.3f}".replace(".", "\\.") in texts_of(app)
    app = open_alone("tour", step="browse")
    assert str(tour.carried["best"]["feature"]) in texts_of(app)
    app = open_alone("tour", step="steer")
    assert charts(app) == 1
    for one in tour.written:
        assert verbatim(one.text.strip().splitlines()[0]) in texts_of(app)


def test_nobody_waits_for_torch(home_with_model: Path) -> None:
    script = (
        "import sys; from tests.pages import open_alone\n"
        f"for step in {STEPS}: open_alone('tour', step=step)\n"
        "open_alone('home'); print(*{'torch', 'transformers', 'sklearn'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.split() == []


def test_the_test_is_shown_or_said_to_be_absent(
    home_with_model: Path, tour: Tour, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_alone("tour", step="test")
    assert charts(app) == bool(tour.cells)
    cell = {
        **dict.fromkeys(("z", "mean_cosine", "score", "p_adjusted", "auroc", "null_mean", "null_sd"), 0.25),
        "concept": first_concept.EXAMPLES,
        "layer": 9,
        "verdict": "supported",
        "null": [1] * 48,
        **{key: [0.1, 0.3] for key in ("mean_cosine_ci", "score_ci")},
        **dict.fromkeys(("specificity", "controls", "push_effect", "push_rank")),
    }
    monkeypatch.setattr("core.tour.tour.read_result", lambda _: {"results": [cell]})
    app = open_alone("tour", step="test")
    assert not app.exception
    assert charts(app) == 1
    assert "sign score 0\\.25" in texts_of(app)
    monkeypatch.setattr("core.tour.tour.read_result", lambda _: None)
    app = open_alone("tour", step="test")
    assert not app.exception
    assert charts(app) == 0
    assert "not among the results that came along" in texts_of(app)


def test_without_its_results_it_leads_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.tour.tour.PATH", home / "none.json")
    for page in ("tour", "home"):
        app = open_alone(page)
        assert not app.exception
        assert app.info
        assert any("Probe a concept" in button.label for button in app.button)


def test_ones_own_model_goes_to_the_probing_page(home_with_model: Path) -> None:
    app = open_through_app("home")
    app.switch_page("pages/tour.py")
    app.query_params["step"] = "yours"
    app.run()
    app.text_input(key="tour_model").set_value("no/such-model").run()
    next(button for button in app.button if button.label == "Probe this model").click().run()
    assert app.title[0].value == "Probing"
    assert len(app.error) == 1
    assert "no/such" in app.sidebar.selectbox(key="model").value
