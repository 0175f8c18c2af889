"""A push that is kept to one side of a conversation acts on what that side said, and on nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.activations import TypicalNorm
from core.directions import Direction, save_direction
from core.errors import UserError
from core.models import Model, open_model
from core.steering import Decoding, Part, Recipe, Source, Turn, play, prepare
from core.steering.turns import chat_ids, spans
from tests.test_steering_operators import unit
from tests.tiny import tiny_directory

TURNS = (
    Turn("user", "The film was good, they said."),
    Turn("assistant", "The music was better"),
    Turn("user", "And the food?"),
    Turn("assistant", "Nobody wanted to stay"),
    Turn("user", "The film was good, they said."),
)
TEMPLATES = {
    "marks": "{% for m in messages %}<s>{{ m['role'] }}\n{{ m['content'] }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant\n{% endif %}",
    "with a system turn": "{% if messages[0]['role'] != 'system' %}<s>system\nBe kind.</s>\n{% endif %}"
    "{% for m in messages %}<s>{{ m['role'] }}\n{{ m['content'] }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant\n{% endif %}",
}


@pytest.fixture
def model(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setattr("core.steering.ready.known_norm", lambda *_: TypicalNorm(2.0, 1, 0, 1))
    opened = open_model(str(tiny_directory(tmp_path, "llama")))
    vector = unit(opened.width).astype(np.float32)
    save_direction(
        Direction("warm", opened.id, opened.fingerprint, str(opened.site(1)), 1, vector, 1.0, "diffmean", {})
    )
    return opened


def said(model: Model, ids: list[int], parts: tuple[tuple[int, int], ...]) -> list[str]:
    return [model.tokenizer.decode(ids[start:stop]).strip() for start, stop in parts]


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_turns_of_a_side_are_what_it_said(model: Model, template: str) -> None:
    model.tokenizer.chat_template = TEMPLATES[template]
    ids = chat_ids(model, TURNS)
    for role in ("user", "assistant"):
        expected = [turn.content for turn in TURNS if turn.role == role]
        assert said(model, ids, spans(model, TURNS, role)) == expected  # type: ignore[arg-type]
    assert spans(model, TURNS, "system") == ()


def test_the_bundled_models_template_is_told_apart(smollm2: Model) -> None:
    turns = (Turn("system", "Be brief."), *TURNS)
    ids = chat_ids(smollm2, turns)
    for role in ("system", "user", "assistant"):
        expected = [turn.content for turn in turns if turn.role == role]
        assert said(smollm2, ids, spans(smollm2, turns, role)) == expected  # type: ignore[arg-type]
    assert said(smollm2, chat_ids(smollm2, TURNS), spans(smollm2, TURNS, "assistant")) == [
        "The music was better",
        "Nobody wanted to stay",
    ]


@pytest.mark.parametrize("tokens", [("prompt",), ("prompt", "first", "later"), ("later",)])
def test_a_push_kept_to_the_assistant_fires_on_its_turns_and_what_is_generated(
    model: Model, tokens: tuple[str, ...]
) -> None:
    model.tokenizer.chat_template = TEMPLATES["with a system turn"]
    part = Part(Source("saved", "warm"), 1.0, tokens=tokens, turns="assistant")
    ready = prepare(model, Recipe("x", parts=(part,), turns=TURNS, decoding=Decoding(max_new_tokens=4)))
    *_, last = play(model, ready)
    n = len(ready.ids)
    inside = {t for start, stop in spans(model, TURNS, "assistant") for t in range(start, stop)}
    expected = {t for t in inside if "prompt" in tokens} | {n for _ in range(1) if "first" in tokens}
    expected |= {n + 1, n + 2} if "later" in tokens else set()
    assert {t for t, fired in enumerate(last.fired[0]) if fired} == expected


def test_a_prompt_in_a_chat_is_one_turn_of_the_user(model: Model) -> None:
    model.tokenizer.chat_template = TEMPLATES["with a system turn"]
    part = Part(Source("saved", "warm"), 1.0, turns="user")
    recipe = Recipe("x", "The food was bad", (part,), Decoding(max_new_tokens=1), chat=True)
    ready = prepare(model, recipe)
    (moment,) = play(model, ready)
    fired = [token for token, on in zip(ready.ids, moment.fired[0], strict=True) if on]
    assert model.tokenizer.decode(fired).strip() == "The food was bad"


def test_templates_that_cannot_be_told_apart_are_said(model: Model) -> None:
    model.tokenizer.chat_template = "{% for m in messages|reverse %}<s>{{ m['content'] }}</s>{% endfor %}"
    with pytest.raises(UserError, match="cannot be told apart"):
        spans(model, TURNS, "assistant")
    model.tokenizer.chat_template = "{{ raise_exception('Only users speak here') }}"
    with pytest.raises(UserError, match="Only users speak here"):
        chat_ids(model, TURNS)
    model.tokenizer.chat_template = None
    with pytest.raises(UserError, match="no chat template"):
        chat_ids(model, TURNS)
