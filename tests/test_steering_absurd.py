"""What nobody should ask for, in Python and on the command line: each finds its sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.directions import load_direction, save_direction
from core.errors import UserError
from core.models import Model
from core.steering import Recipe, play, prepare
from tests.commands import fails
from tests.test_steering_recipes import saved  # noqa: F401 (a fixture)

PART = {"source": {"kind": "saved", "of": "warm"}, "dose": 0.5, "tokens": ["prompt"]}
WHEN = {"per": "token", "above": float("nan"), "source": {"kind": "saved", "of": "warm"}}
# What is changed in a sound recipe, and what both say to it.
ABSURD: dict[str, tuple[dict[str, Any], str]] = {
    "dose that is no number": ({"interventions": [{**PART, "dose": float("nan")}]}, "no number to steer with"),
    "infinite dose": ({"interventions": [{**PART, "dose": float("-inf")}]}, "no number to steer with"),
    "absurd dose": ({"interventions": [{**PART, "dose": 1e30}]}, "absurd"),
    "condition that is no number": ({"interventions": [{**PART, "when": WHEN}]}, "between -1000 and 1000"),
    "temperature that is no number": ({"generation": {"temperature": float("nan")}}, "temperature"),
    "direction of another model": (
        {"interventions": [{**PART, "source": {"kind": "saved", "of": "strange"}}]},
        "was made for",
    ),
    "direction that is not there": (
        {"interventions": [{**PART, "source": {"kind": "saved", "of": "nobody"}}]},
        "nobody",
    ),
    "recipe of another model": ({"fingerprint": "0" * 24}, "was saved with"),
    "empty prompt": ({"prompt": "  "}, "prompt is empty"),
    "prompt beyond the context": ({"prompt": "word " * 700}, "shorten the prompt"),
    "no chat template": ({"chat": True}, "no chat template"),
}


@pytest.fixture
def strange(saved: Model) -> Model:  # noqa: F811
    """Beside the model's own directions one that another model was asked for."""
    save_direction(replace(load_direction("warm"), name="strange", model_id="other", model_fingerprint="f" * 24))
    return saved


def recipe(model: Model, change: dict[str, Any]) -> str:
    value = {"model": model.id, "prompt": "The film was", "interventions": [PART], "generation": {"max_new_tokens": 4}}
    return json.dumps({**value, **change})


@pytest.mark.parametrize("what", ABSURD)
def test_in_python(strange: Model, what: str) -> None:
    change, sentence = ABSURD[what]
    with pytest.raises(UserError, match=sentence):
        list(play(strange, prepare(strange, Recipe.from_text(recipe(strange, change)))))


@pytest.mark.parametrize("what", ABSURD)
def test_on_the_command_line(
    strange: Model,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    monkeypatch.setattr("core.cli.arguments.open_model_of", lambda _: strange)
    change, sentence = ABSURD[what]
    (tmp_path / "recipe.json").write_text(recipe(strange, change))
    assert sentence in fails(capsys, "steer", "tiny", "--recipe", str(tmp_path / "recipe.json"))
