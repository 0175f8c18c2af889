"""Every page opens: alone and through app.py, in an empty workspace and a prepared one, by link and with nonsense."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import jobs
from tests.pages import PAGES, ROOT, forget, open_alone, open_through_app, save_colours, texts_of

TITLES = {
    "home": "Follow a concept through a language model",
    "tour": "A two-minute tour",
    "concept": "Concept",
    "probing": "Probing",
    "tcav": "TCAV",
    "lens": "Lens",
    "features": "Features",
    "steering": "Steering",
    "library": "Library",
    "jobs": "Jobs",
}


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_alone(page: str, home_with_model: Path) -> None:
    app = open_alone(page)
    assert not app.exception
    assert not app.error, [one.value for one in app.error]
    assert app.title[0].value == TITLES[page]
    assert [box.label for box in app.sidebar.selectbox] == ["Model", "Device", "Precision", "Concept"]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_through_the_front_door(page: str, home_with_model: Path) -> None:
    app = open_through_app(page)
    assert not app.exception
    assert not app.error, [one.value for one in app.error]
    assert app.title[0].value == TITLES[page]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_where_there_is_nothing_yet(page: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.examples.bundled.version", lambda: None)  # the data wheels are not installed
    app = open_alone(page)
    assert not app.exception
    assert not app.error, [one.value for one in app.error]
    if page in {"probing", "steering", "tcav"}:
        assert "There is no concept yet" in texts_of(app)  # an empty state says what to do, and leads there
        assert any(button.label == "Add texts" for button in app.button)


@pytest.mark.parametrize("page", PAGES)
def test_a_link_restores_the_sidebar(page: str, home_with_model: Path) -> None:
    save_colours()
    app = open_alone(page, layer="7", concept="colours")
    assert not app.exception
    assert app.sidebar.slider(key="layer").value == 7
    assert app.sidebar.selectbox(key="concept").value == "colours"
    assert app.query_params["layer"] == "7"


@pytest.mark.parametrize("page", PAGES)
def test_nonsense_in_a_link_gives_the_defaults(page: str, home_with_model: Path) -> None:
    app = open_alone(page, layer="-3", concept="<b>none</b>", dose="much", tokens="1e9", methods="magic", limit="NaN")
    assert not app.exception
    assert not app.error, [one.value for one in app.error]
    assert app.sidebar.slider(key="layer").value == 13
    assert app.sidebar.selectbox(key="concept").value == "sae-probes/92_glue_sst2"


def test_choices_follow_from_page_to_page(home_with_model: Path) -> None:
    save_colours()
    app = open_through_app("home")
    app.sidebar.selectbox(key="concept").set_value("colours").run()
    app.sidebar.slider(key="layer").set_value(3).run()
    for page in ("probing", "steering", "jobs", "home"):
        app.switch_page(f"pages/{page}.py").run()
        assert app.sidebar.selectbox(key="concept").value == "colours", page
        assert app.sidebar.slider(key="layer").value == 3, page
        assert app.query_params["concept"] == "colours", page


def test_a_model_that_cannot_be_opened_is_said_in_one_sentence(home_with_model: Path) -> None:
    for page in ("probing", "steering"):
        app = open_alone(page, model="/no/such/model")
        assert not app.exception
        assert len(app.error) == 1
        assert "Traceback" not in app.error[0].value


def test_the_home_page_says_what_is_at_hand(home_with_model: Path) -> None:
    app = open_alone("home")
    assert app.dataframe[0].value["model"].tolist() == ["smollm2", "efficientnet-lite0"]
    assert app.dataframe[0].value["layers"].tolist() == [30, 18]
    assert "Strongest at **layer" in texts_of(app)  # from the results that came along


def test_the_jobs_page_shows_cancels_and_removes(
    home_with_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "MODULE", "tests.fake_command")
    job = jobs.start(["count", "400", "0.1", str(tmp_path / "steps")], "Counting *to* 400")
    app = open_alone("jobs")
    assert "Counting \\*to\\* 400" in texts_of(app)
    app.button(key=f"cancel_{job.id}").click().run()
    assert not app.exception
    assert jobs.get(job.id).state == "cancelled"
    app.button(key=f"remove_{job.id}").click().run()
    assert "No jobs yet" in texts_of(app)


def test_home_waits_for_torch_only_after_it_is_drawn() -> None:
    modules = "pages.shared.frame, pages.shared.sweeps, pages.shared.shelf, pages.shared.running"
    script = f"import {modules}, sys; print('torch' in sys.modules, 'transformers' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


def test_a_tcav_result_is_looked_up_without_torch() -> None:
    """What names it is told without a model: the second visit waits for nothing."""
    modules = "pages.shared.tcav_panel, pages.shared.tcav_scan, pages.shared.tcav_check, core.tcav.known"
    script = f"import {modules}, sys; print(*{{'torch', 'transformers', 'sklearn'}} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.split() == []


def test_the_server_is_for_this_machine_alone() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert config["server"]["address"] == "127.0.0.1"
    assert config["server"]["port"] == 8501
    assert config["server"]["maxUploadSize"] <= 50
    assert config["browser"]["gatherUsageStats"] is False
    assert config["client"]["toolbarMode"] == "minimal"
    assert {"light", "dark"} <= set(config["theme"])
