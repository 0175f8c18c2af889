"""Each further question on the Probing page: shown from what is known, computed when asked, kept in the link."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core import jobs
from core.examples import from_lists, open_examples, save_examples
from core.models import Model, open_model
from core.probing import layer_choice, learning_curve, nonlinear_check, probe_details, sweep, transfer
from pages.shared.probing_choices import Choices
from pages.shared.probing_result import map_figure, score_figure
from tests.pages import forget, open_alone, texts_of
from tests.tiny import LAYERS, tiny_directory

THINGS = ("house", "car", "hat", "door", "cup", "roof")


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_directory(tmp_path_factory.mktemp("panels"), "llama"))


@pytest.fixture
def model(home_with_model: Path, directory: str) -> Model:
    for name, warm, cold in (("colours", "red and orange", "blue and green"), ("tones", "red", "blue")):
        lists = [[f"The {thing} <b>{i}</b> is {word}." for i in range(4) for thing in THINGS] for word in (warm, cold)]
        save_examples(from_lists(lists[0], lists[1], name), name)
    return open_model(directory)


def query(directory: str, **more: str) -> dict[str, str]:
    return {"model": directory, "concept": "colours", "limit": "40", "methods": "diffmean", "layers": "0,1", **more}


def run_sweep(model: Model, **more: Any) -> Any:
    return sweep(model, open_examples("colours", limit=40), [0, 1], methods=["diffmean"], **more)


ASKED: dict[str, tuple[Callable[[Model, Any, int], Any], str]] = {
    "errors": (lambda m, e, layer: probe_details(m, e, layer, "diffmean"), "misread"),
    "calibration": (lambda m, e, layer: probe_details(m, e, layer, "diffmean"), "Expected calibration error"),
    "subgroups": (lambda m, e, layer: probe_details(m, e, layer, "diffmean"), "name no kinds of texts"),
    "growth": (lambda m, e, layer: learning_curve(m, e, layer, ["diffmean"]), "training texts"),
    "nonlinear": (lambda m, e, layer: nonlinear_check(m, e, layer, method="diffmean"), "on these 12 texts"),
    "layers": (lambda m, e, _: layer_choice(m, e, [0, 1], method="diffmean"), "AUROC names layer"),
    "transfer": (
        lambda m, e, layer: transfer(m, e, open_examples("tones", limit=40), [layer], ["diffmean"]),
        "Each row is a set",
    ),
    "selectivity": (lambda m, e, layer: None, "Selectivity"),
    "codelength": (lambda m, e, layer: None, "training labels can be told"),
    "concepts": (lambda m, e, _: sweep(m, open_examples("tones", limit=40), [0, 1], methods=["diffmean"]), "Ask more"),
}
MORE = {"transfer": {"onto": "tones"}, "concepts": {"beside": "tones"}}


@pytest.mark.parametrize("asked", ASKED)
def test_a_known_answer_is_shown_at_once(
    model: Model, directory: str, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.activations.reference.reference_texts", lambda: ["One short text.", "Another one."])
    found = run_sweep(model)
    compute, sentence = ASKED[asked]
    compute(model, open_examples("colours", limit=40), found.best.layer)
    monkeypatch.setattr("core.models.open.open_model", None)  # nobody opens a model for what is known
    app = open_alone("probing", **query(directory, ask=asked, **MORE.get(asked, {})))
    assert not app.exception
    assert not app.error
    assert sentence in texts_of(app).replace("\\", "")
    assert not any(button.label == "Compute" for button in app.button)
    assert jobs.jobs() == []
    assert app.query_params["ask"] == asked


def test_what_is_not_known_is_computed_by_a_job_that_is_the_same_question(model: Model, directory: str) -> None:
    found = run_sweep(model)
    app = open_alone("probing", **query(directory, ask="growth"))
    assert "in five orders" in texts_of(app)
    next(button for button in app.button if button.label == "Compute").click().run()
    assert not app.exception
    (job,) = jobs.jobs()
    assert job.arguments[-2:] == ("--also", "curve")
    assert job.arguments[:6] == ("probe", directory, "--examples", "colours", "--layers", str(found.best.layer))
    jobs.cancel(job.id)


def test_misread_texts_are_shown_as_text(model: Model, directory: str) -> None:
    lists = [[f"<i>{thing}</i> number {i}" for i in range(10) for thing in THINGS[:2]], [f"{i} cup" for i in range(20)]]
    save_examples(from_lists(lists[0] + lists[1][:8], lists[1][8:] + lists[0][:2] * 1, "muddle"), "muddle")
    examples = open_examples("muddle", limit=40)
    sweep(model, examples, [0, 1], methods=["diffmean"])
    app = open_alone("probing", **query(directory, concept="muddle", ask="errors"))
    assert not app.exception
    assert "held-out texts were misread" in texts_of(app)


def test_a_probe_is_chosen_by_link_and_named(model: Model, directory: str) -> None:
    found = run_sweep(model)
    other = next(one for one in found.results if one.layer != found.best.layer)
    app = open_alone("probing", **query(directory, probe=f"{other.layer}.diffmean", view="map"))
    assert not app.exception
    assert any(one.value == f"Layer {other.layer}, difference of means" for one in app.subheader)
    app = open_alone("probing", **query(directory, probe="99.nothing", score="nonsense", ask="nonsense"))
    assert not app.exception
    assert any(one.value == f"Layer {found.best.layer}, difference of means" for one in app.subheader)


def test_other_splits_and_controls_are_other_sweeps(model: Model, directory: str) -> None:
    run_sweep(model)
    shown = texts_of(open_alone("probing", **query(directory, splits="3")))
    assert "Strongest" not in shown
    found = run_sweep(model, seeds=(0, 1, 2), controls=())
    app = open_alone("probing", **query(directory, splits="3", controls="none", score="splits"))
    assert "Strongest" in texts_of(app)
    assert len(found.best.seed_aurocs) == 3
    figure = score_figure(found, "splits")
    line = next(trace for trace in figure.data if trace.hovertemplate)
    assert list(line.y) == pytest.approx([sum(one.seed_aurocs) / 3 for one in found.results])


def test_the_map_holds_the_numbers(model: Model) -> None:
    found = run_sweep(model)
    figure = map_figure(found, "auroc", found.results[1])
    assert [list(row) for row in figure.data[0].z] == [[one.auroc for one in found.results]]
    assert f"AUROC {found.results[0].auroc:.3f}" in figure.data[1].customdata[0]
    assert (figure.data[-1].name, figure.data[-1].x) == ("chosen", (1,))


def test_equal_choices_are_one_command(home: Path) -> None:
    plain = Choices("m", "c", 40, None, ("diffmean",), "mean")
    assert plain.arguments() == [
        *("probe", "m", "--examples", "c", "--layers", "all", "--limit", "40"),
        *("--methods", "diffmean", "--pool", "mean"),
    ]
    one = Choices("m", "c", 40, None, ("diffmean",), "mean", seed=3, splits=2).one(5, "lda")
    assert one.arguments()[-4:] == ["--seed", "3", "--controls", "none"]
    assert one.seeds == ()
    assert LAYERS > 1
