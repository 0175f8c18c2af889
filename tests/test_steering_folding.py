"""Folded weights give the same tokens in plain transformers as the hook does here, or the recipe is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from transformers import AutoModelForCausalLM

from core.activations import TypicalNorm
from core.directions import Direction, save_direction
from core.errors import UserError
from core.models import Model, open_model
from core.models.site import Kind
from core.steering import Decoding, Part, Recipe, Source, fold, play, prepare, save_folded
from tests.commands import fails, run
from tests.test_steering_generate import PROMPTS
from tests.test_steering_operators import unit
from tests.tiny import lively_directory, tiny_directory

EVERY = ("prompt", "first", "later", "special")


@pytest.fixture
def opened(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Opens a tiny model with a saved direction at a site."""
    monkeypatch.setattr("core.steering.ready.known_norm", lambda *_: TypicalNorm(2.0, 1, 0, 1))

    def open_(name: str, kind: Kind = "after", layer: int = 1, lively: bool = True) -> Model:
        model = open_model(str((lively_directory if lively else tiny_directory)(tmp_path, name)))
        site = model.site(layer, kind)
        width = model.network.get_submodule(site.module).weight.shape if kind == "hidden" else (model.width,)
        n = model.width if kind != "hidden" else max(width) if max(width) != model.width else min(width)
        vector = unit(n).astype(np.float32)
        save_direction(Direction("warm", model.id, model.fingerprint, str(site), layer, vector, 1.0, "diffmean", {}))
        return model

    return open_


def recipe(operator: str, dose: float, **more: Any) -> Recipe:
    part = Part(Source("saved", "warm"), dose, operator, **{"tokens": EVERY, **more})
    return Recipe("x", PROMPTS[0], (part,), Decoding(max_new_tokens=16))


@pytest.mark.parametrize("name", ["llama", "gpt2", "gpt_neox", "opt", "bloom"])
@pytest.mark.parametrize(
    ("kind", "operator", "dose"),
    [("after", "add", 2.0), ("mlp", "ablate", 1.0), ("attention", "ablate", 0.5), ("hidden", "add", 1.5)],
)
def test_the_folded_directory_writes_what_the_hook_writes(
    opened: Any, name: str, kind: Kind, operator: str, dose: float
) -> None:
    model = opened(name, kind)
    ready = prepare(model, recipe(operator, dose))
    *_, last = play(model, ready)
    folder = save_folded(model, ready, fold(model, ready), "folded")
    network = AutoModelForCausalLM.from_pretrained(folder)  # no code of ours
    ids = torch.tensor([list(ready.ids)])
    found = network.generate(ids, max_new_tokens=16, do_sample=False)[0, len(ready.ids) :].tolist()
    assert found == list(last.tokens[1])
    assert json.loads((folder / "recipe.json").read_text())["interventions"][0]["operator"] == operator
    # What is listed is what was changed, and taking it off gives the weights back.
    deltas = safetensors.torch.load_file(folder / "edits.safetensors")
    assert {edit["tensor"] for edit in json.loads((folder / "edits.json").read_text())["edits"]} == set(deltas)
    before, after = model.network.state_dict(), network.state_dict()
    for tensor, value in after.items():
        was = before.get(tensor, torch.zeros_like(value))
        assert float((value - deltas.get(tensor, torch.zeros_like(value)) - was).abs().max()) < 1e-5, tensor
    assert any(float(delta.abs().max()) > 1e-3 for delta in deltas.values())


def test_the_push_that_was_folded_changes_the_text(opened: Any) -> None:
    model = opened("llama")
    *_, last = play(model, prepare(model, recipe("add", 6.0)))
    assert last.tokens[0] != last.tokens[1]
    assert fold(model, prepare(model, recipe("add", 6.0))).added_biases == "mlp_bias"


@pytest.mark.parametrize(
    ("operator", "more", "sentence"),
    [
        ("add", {"tokens": ("prompt",)}, "every token alike"),
        ("add", {"tokens": ("prompt", "first", "later")}, "every token alike"),
        ("add", {"ranges": ((0, 2),)}, "every token alike"),
        ("clamp", {}, "only add and ablate"),
        ("ablate", {}, "read through norms"),
    ],
)
def test_what_cannot_be_folded_says_why(opened: Any, operator: str, more: dict[str, Any], sentence: str) -> None:
    model = opened("llama")
    with pytest.raises(UserError, match=sentence):
        fold(model, prepare(model, recipe(operator, 1.0, **more)))


@pytest.mark.parametrize(("name", "sentence"), [("mistral", "cannot be given one"), ("olmo2", "cannot be")])
def test_networks_without_a_bias_are_refused(opened: Any, name: str, sentence: str) -> None:
    model = opened(name)
    with pytest.raises(UserError, match=sentence):
        fold(model, prepare(model, recipe("add", 1.0)))


def test_the_command_folds_and_refuses_a_taken_name(
    opened: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = opened("gpt2")
    monkeypatch.setattr("core.cli.arguments.open_model_of", lambda _: model)
    path = tmp_path / "recipe.json"
    path.write_text(recipe("add", 1.0).to_text())
    found = run(capsys, "steer fold", "x", "--recipe", str(path), "--save", "mine")
    assert Path(found["path"], "model.safetensors").is_file()
    assert found["difference"] < 1e-4
    assert "already" in fails(capsys, "steer fold", "x", "--recipe", str(path), "--save", "mine")
    assert "cannot be a name" in fails(capsys, "steer fold", "x", "--recipe", str(path), "--save", "../mine")
