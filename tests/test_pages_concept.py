"""The Concept page on a tiny model: nothing known, partly known, all known, and nothing that can be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.concept import PARTS, compute_missing
from core.concept.asking import ask
from core.examples import from_lists, save_examples
from core.models import Model, open_model
from core.probing import sweep
from pages.shared.concept_choices import Choices
from pages.shared.tcav_words import TARGETS
from tests.concepts import LAYER, SMALL, SPEC, measure_norms, save_moods
from tests.pages import forget, open_alone, texts_of
from tests.tiny import tiny_directory


@pytest.fixture(autouse=True)
def fresh_caches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    forget()
    small = Choices.question
    # Sizes for tests; all else of the question stays the page's.
    monkeypatch.setattr(
        Choices,
        "question",
        lambda self: small(Choices(**{**vars(self), "sizes": SMALL})),
    )
    yield
    forget()


@pytest.fixture
def model(home: Path, tmp_path: Path, prepared_home: Path) -> Model:
    save_moods()
    model = open_model(str(tiny_directory(tmp_path, "llama")))
    measure_norms(model, prepared_home)
    return model


def visit(model: Model, concept: str = "moods") -> AppTest:
    return open_alone("concept", model=str(model.id), concept=concept, layer=str(LAYER), asks=SPEC)


def test_from_nothing_to_everything(model: Model) -> None:
    app = visit(model)
    assert not app.exception
    assert not app.error, [one.value for one in app.error]
    carried = PARTS["carried"].title
    assert [one.value for one in app.subheader] == [one.title for one in PARTS.values() if one.title != carried]
    assert f"{carried} There is no dictionary" in texts_of(app).replace("\\", "")
    assert "Not computed yet" in texts_of(app)
    assert "Takes roughly" in texts_of(app)
    assert "up to 1,000 examples through all layers" in texts_of(app)
    labels = [one.label for one in app.button]
    assert "Compute what is missing" in labels

    question = ask(model, "moods", layer=LAYER, target=SPEC, dictionary="", sizes=SMALL)
    swept = sweep(model, question.texts, range(model.n_layers))
    app = visit(model)
    assert f"Strongest at **layer {swept.best.layer}**" in texts_of(app)
    assert "Compute what is missing" in [one.label for one in app.button]

    found = compute_missing(model, question)
    app = visit(model)
    assert not app.exception
    assert not app.error, [one.value for one in app.error]
    labels = [one.label for one in app.button]
    assert "Compute what is missing" not in labels
    for wanted in ("All about its probes", "All about this test", "Push it yourself", "Compare layers and splits"):
        assert wanted in labels
    assert "There is no dictionary" in texts_of(app).replace("\\", "")
    for sentence in found.disagreements.values():
        assert sentence in texts_of(app).replace("\\", "")
    assert {one.label for one in app.get("download_button")} == {"Download the report", "JSON"}
    assert len(app.get("plotly_chart")) >= 4


def test_the_button_starts_one_job(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda arguments, title: started.append(list(arguments)))
    monkeypatch.setitem(TARGETS, SPEC, SPEC)  # AppTest knows no answer that was typed and is not in the list
    app = visit(model)
    next(one for one in app.button if one.label == "Compute what is missing").click().run()
    assert started == [
        ["concept", str(model.id), "--examples", "moods", "--layer", "2", f"--target={SPEC}", "--dictionary", "none"]
    ]


def test_a_concept_about_which_nothing_can_be_computed_explains_itself(model: Model) -> None:
    save_examples(from_lists([f"A good day {i}" for i in range(20)], ["A bad one"] * 20, "few"), "few")
    app = visit(model, "few")
    assert not app.exception
    assert not app.error
    assert "Nothing can be computed for this concept here" in texts_of(app)
    assert "holds only 1 independent examples" in texts_of(app)
    assert "Compute what is missing" not in [one.label for one in app.button]
