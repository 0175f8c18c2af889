"""Folding on the Steering page: its edits, their switches, the directory in plain transformers, opening and undoing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from streamlit.testing.v1 import AppTest
from transformers import AutoModelForCausalLM

from core import jobs, workspace
from core.__main__ import main
from core.directions import make_direction, save_direction
from core.errors import UserError
from core.examples import open_examples
from core.models import Model, list_models, open_model
from core.steering import (
    Decoding,
    Part,
    Recipe,
    Source,
    delete_folded,
    keep_for_job,
    list_folded,
    list_recipes,
    only,
    play,
    prepare,
)
from tests.pages import open_alone, texts_of
from tests.test_pages_steering import PROMPT, directory, fresh_caches, generate, model, query  # noqa: F401 (fixtures)

EVERY = "prompt,first,later,special"


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    """Jobs that are done as soon as they are started, in this process. Gives their command lines."""
    started: list[list[str]] = []

    def start(arguments: list[str], title: str) -> None:
        assert main([*arguments, "--json"]) == 0
        started.append(arguments)

    def find(id: str) -> jobs.Job | None:
        done = [one for one in started if jobs.job_id(one) == id]
        return jobs.Job(id, "x", tuple(done[0]), "done", 0.0, result={}) if done else None

    monkeypatch.setattr("core.jobs.start", start)
    monkeypatch.setattr("core.jobs.find", find)
    return started


def compute(app: AppTest) -> AppTest:
    next(button for button in app.button if button.label == "Compute").click().run()
    assert not app.exception
    assert not app.error
    return app


def continuation(folder: Path, ids: tuple[int, ...], n: int) -> list[int]:
    network = AutoModelForCausalLM.from_pretrained(folder)  # no code of ours
    whole = network.generate(torch.tensor([list(ids)]), max_new_tokens=n, do_sample=False)[0]
    return whole[len(ids) :].tolist()


def test_what_was_folded_writes_the_steered_text_and_is_opened_and_undone(
    model: Model,  # noqa: F811
    directory: str,  # noqa: F811
    in_process: list[list[str]],
) -> None:
    texts = []
    for dose in ("0.8", "-0.8"):  # both under one name: what is opened the second time is not the first
        app = generate(open_alone("steering", **query(directory, dose=dose, positions=EVERY, fold="yes")))
        written = app.session_state["written_texts"]
        texts.append(written.tokens[1])
        (switch,) = [box for box in app.checkbox if box.key.startswith("fold_")]
        assert "down\\_proj" in switch.label
        app.text_input(key="fold_name").set_value("warmer").run()
        compute(app)
        assert "Folded" in app.success[0].value
        (one,) = list_folded()
        assert (one.name, one.model, len(one.edits)) == ("warmer", directory, 1)
        assert one.folder == workspace.home() / "exports" / "warmer"
        assert continuation(one.folder, written.ids, 12) == list(written.tokens[1])
        assert list_recipes() == []  # what the job reads is in nobody's list
        # It is opened like any model, writes by itself what the push wrote, and stands in the list.
        app.button(key="open_warmer").click().run()
        assert not app.exception
        assert not app.error
        assert app.query_params["model"] == str(one.folder)
        generate(app)
        assert app.session_state["written_texts"].tokens[0] == written.tokens[1]
        assert str(one.folder) in [info.id for info in list_models()]
        # Undone while it is open.
        app.button(key="undo_warmer").click().run()
        assert not one.folder.exists()
        assert list_folded() == []
        assert str(one.folder) not in [info.id for info in list_models()]
        assert app.session_state["model"] == "smollm2"
    assert texts[0] != texts[1]


def test_an_edit_that_is_switched_off_is_not_folded(
    model: Model,  # noqa: F811
    directory: str,  # noqa: F811
    in_process: list[list[str]],
) -> None:
    save_direction(make_direction(model, open_examples("colours"), model.site(1), "logistic", name="warmth"))
    more = {"more": "1", "from_2": "saved", "direction_2": "warmth", "dose_2": "-0.6", "positions_2": EVERY}
    app = open_alone("steering", **query(directory, dose="0.8", positions=EVERY, layers="0,2,3", fold="yes", **more))
    switches = [box for box in app.checkbox if box.key.startswith("fold_")]
    assert len(switches) == 4
    switches[1].uncheck()
    switches[3].uncheck()
    app.text_input(key="fold_name").set_value("some").run()
    compute(app)
    (one,) = list_folded()
    assert [edit[0].split(".")[2] for edit in one.edits] == ["0", "3"]
    kept = Recipe.from_text((one.folder / "recipe.json").read_text())
    assert [part.layers for part in kept.parts] == [(0, 3)]
    source = Source("examples", "colours", layer=2, limit=1000)
    expected = Recipe(directory, PROMPT, (Part(source, 0.8, layers=(0, 3), tokens=tuple(EVERY.split(","))),))
    ready = prepare(model, Recipe(**{**vars(expected), "decoding": Decoding(max_new_tokens=12)}))
    *_, last = play(model, ready)
    assert continuation(one.folder, ready.ids, 12) == list(last.tokens[1])
    for switch in [box for box in app.checkbox if box.key.startswith("fold_")]:
        switch.uncheck()
    app.run()
    assert "at least one edit" in texts_of(app)


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ({}, "weights act on every token alike"),
        ({"positions": EVERY, "operator": "clamp"}, "only add and ablate are linear"),
        ({"positions": EVERY, "operator": "ablate"}, "read through norms"),
        ({"positions": EVERY, "when": "token", "from_when": "pasted", "layer_when": "0"}, "acts under a condition"),
    ],
)
def test_what_cannot_be_folded_says_why(
    model: Model,  # noqa: F811
    directory: str,  # noqa: F811
    link: dict[str, str],
    sentence: str,
) -> None:
    app = open_alone("steering", **query(directory, fold="yes", **link))
    assert not app.exception
    assert sentence in texts_of(app)
    assert not any(button.label == "Compute" for button in app.button)


def test_every_token_is_pushed_at_a_click(model: Model, directory: str) -> None:  # noqa: F811
    app = open_alone("steering", **query(directory, fold="yes"))
    app.button(key="fold_every").click().run()
    assert not app.exception
    assert app.query_params["positions"] == EVERY
    assert any(button.label == "Compute" for button in app.button)


@pytest.mark.parametrize("name", ["../mine", "", "a b", "taken"])
def test_a_name_that_is_none_or_taken_is_said(model: Model, directory: str, name: str) -> None:  # noqa: F811
    folded("taken")
    app = open_alone("steering", **query(directory, fold="yes", positions=EVERY))
    app.text_input(key="fold_name").set_value(name).run()
    assert not app.exception
    assert ("cannot be a name" if name != "taken" else "called taken already") in texts_of(app).replace("\\", "")
    assert not any(button.label == "Compute" for button in app.button)


def folded(name: str, **about: Any) -> Path:
    """A directory as a folding leaves it, without the weights."""
    folder = workspace.place("exports", name)
    edits = [{"tensor": "<b>x</b>", "what": "add", "norm": 1.0}]
    workspace.write_json(folder / "edits.json", {"edits": edits, "added_biases": "", "difference": 1e-6, **about})
    workspace.write_json(folder / "recipe.json", {"model": "<img src=x>"})
    return folder


def test_only_what_was_folded_is_listed_and_deleted(home: Path) -> None:
    folded("good")
    folded("bad", edits=5)
    folded("worse", difference="no")
    other = workspace.place("exports", "other", "file.txt")
    other.write_text("mine")
    outside = home.parent / "outside"
    outside.mkdir()
    (outside / "edits.json").write_text("{}")
    workspace.place("exports", "link").symlink_to(outside)
    assert [one.name for one in list_folded()] == ["good"]
    for name in ("other", "link", "nobody", "..", "../outside"):
        with pytest.raises(UserError):
            delete_folded(name)
    assert other.is_file()
    assert (outside / "edits.json").is_file()
    delete_folded("good")
    assert not workspace.place("exports", "good").exists()
    assert list_folded() == []
    assert sorted(path.name for path in (home / "exports").iterdir()) == ["bad", "link", "other", "worse"]


def test_names_of_others_are_shown_as_text(model: Model, directory: str) -> None:  # noqa: F811
    folded("good")
    app = open_alone("steering", **query(directory, fold="yes"))
    assert not app.exception
    assert "\\<img src\\=x\\>" in texts_of(app)


def test_some_of_a_recipes_interventions(model: Model, directory: str) -> None:  # noqa: F811
    save_direction(make_direction(model, open_examples("colours"), model.site(1), "logistic", name="warmth"))
    saved = Source("saved", "warmth")
    of = Recipe(directory, PROMPT, (Part(saved, 1.0, layers=(0, 1, 3)), Part(saved, -1.0)))
    ready = prepare(model, of)
    assert only(ready, range(4)) == of
    assert [part.layers for part in only(ready, [1]).parts] == [(1,)]
    assert only(ready, [3]).parts == (of.parts[1],)
    again = prepare(model, only(ready, [0, 2, 3]))
    assert [one.intervention.site.layer for one in again.made] == [0, 3, 1]
    assert keep_for_job(of) == keep_for_job(of) != keep_for_job(only(ready, [3]))
    assert json.loads(keep_for_job(of).read_text())["prompt"] == PROMPT
    assert open_model(directory).fingerprint == model.fingerprint
