"""Recipes: what is written is read again, what is wrong gets a sentence, and what runs is what was said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.activations import TypicalNorm
from core.directions import Direction, save_direction
from core.errors import UserError
from core.models import Model, open_model
from core.steering import (
    Decoding,
    Intervention,
    Part,
    Positions,
    Recipe,
    Source,
    Turn,
    When,
    direction_for,
    keep_for_job,
    list_recipes,
    load_recipe,
    operator_named,
    play,
    prepare,
    read_recipe,
    run_recipe,
    save_recipe,
    stream,
    with_digests,
)
from core.steering.prompts import NEUTRAL
from core.steering.reading import readings
from tests.commands import fails, run
from tests.test_steering_generate import PROMPTS, ids_of, written
from tests.test_steering_operators import unit
from tests.tiny import tiny_directory

NORM = 2.0


@pytest.fixture
def saved(home: Path, tiny: Model, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A model with two saved directions, and a known unit of dose."""
    monkeypatch.setattr("core.steering.ready.known_norm", lambda *_: TypicalNorm(NORM, 1, 0, 1))
    for name, layer, seed in (("warm", 1, 0), ("long", 2, 1)):
        vector = unit(tiny.width, seed).astype(np.float32)
        site = str(tiny.site(layer))
        save_direction(Direction(name, tiny.id, tiny.fingerprint, site, layer, vector, 1.0, "diffmean", {}))
    return tiny


WHOLE = Recipe(
    model="x",
    prompt="",
    parts=(
        Part(Source("saved", "warm", digest="ab"), -0.25, "norm_add", (1, 2), ("prompt", "later"), ((0, 4), (6, 9))),
        Part(Source("sum", "warm - 0.5*long"), 1, "ablate", turns="assistant"),
        Part(
            Source("examples", "colours", layer=2, method="logistic", limit=40),
            0.5,
            when=When("token", 1.5, Source("saved", "warm"), 0),
        ),
        Part(Source("words", "a,b|w", layer=1), 0.1, when=When("input", 0.0, Source("texts", layer=1, plus=("x",)))),
        Part(Source("texts", layer=0, plus=("I love you", "☃"), minus=("I hate you",)), 0.5),
        Part(Source("feature", "my-sae", feature=12), 0.5, "clamp"),
    ),
    decoding=Decoding(7, 0.5, 0.9, 1.1, 3),
    chat=True,
    turns=(Turn("user", "Hello"), Turn("assistant", "Hi there"), Turn("user", "Go on")),
    fingerprint="f",
)


def test_what_is_written_is_read_again() -> None:
    assert Recipe.from_text(WHOLE.to_text()) == WHOLE
    assert Recipe.from_text(WHOLE.to_text().encode()) == WHOLE
    assert Recipe.from_json({"model": "x", "prompt": "y"}) == Recipe("x", "y")  # the rest has defaults
    for number, part in enumerate(WHOLE.parts):
        assert Part.from_json(json.loads(json.dumps(part.to_json()))) == WHOLE.parts[number]


def changed(**more: Any) -> dict[str, Any]:
    part = {"operator": "add", "source": {"kind": "saved", "of": "warm"}, "dose": 0.5} | more.pop("part", {})
    return {"model": "x", "prompt": "y", "interventions": [part]} | more


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("[1, 2]", "has to be a JSON object"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        (changed(extra=1), "'extra', which is not known"),
        (changed(version=2), "version 2"),
        (changed(conceptscope="direction"), "not a recipe"),
        (changed(chat="yes"), "true or false"),
        (changed(prompt=3), "has to be text"),
        (changed(prompt="w" * 300_000), "300,000 characters"),
        (changed(turns=[{"role": "user", "content": "x"}]), "not from both"),
        (changed(prompt="", turns=[{"role": "judge", "content": "x"}]), "no role 'judge'"),
        (changed(prompt="", turns=[{"role": "user", "content": " "}]), "is empty"),
        (changed(interventions={}), "has to be a list"),
        (changed(interventions=[{}] * 99), "32 are allowed"),
        (changed(interventions=[{"dose": 1}]), "needs a source and a dose"),
        (changed(part={"dose": float("nan")}), "no number to steer with"),
        (changed(part={"dose": float("-inf")}), "no number to steer with"),
        (changed(part={"dose": 1e9}), "absurd"),
        (changed(part={"dose": "1"}), "has to be a number"),
        (changed(part={"dose": True}), "has to be a number"),
        (changed(part={"operator": "twist"}), "no operator 'twist'"),
        (changed(part={"tokens": ["middle"]}), "not 'middle'"),
        (changed(part={"tokens": []}), "Positions are"),
        (changed(part={"ranges": [[4, 2]]}), "up to a larger number"),
        (changed(part={"ranges": [4, 2]}), "pairs of numbers"),
        (changed(part={"layers": [-1]}), "no layer -1"),
        (changed(part={"layers": [1.5]}), "whole number"),
        (changed(part={"turns": "assistant"}), "switch the chat template on"),
        (changed(part={"source": {"kind": "spell", "of": "x"}}), "called 'spell'"),
        (changed(part={"source": {"of": "x"}}), "has to say its kind"),
        (changed(part={"source": {"kind": "saved"}}), "'of' is empty"),
        (changed(part={"source": {"kind": "words", "of": "a|b"}}), "made at a layer"),
        (changed(part={"source": {"kind": "examples", "of": "a", "layer": 1, "method": "magic"}}), "no method"),
        (changed(part={"source": {"kind": "texts", "layer": 1, "plus": []}}), "at least one text"),
        (changed(part={"source": {"kind": "texts", "layer": 1, "plus": ["x"] * 500}}), "200 are allowed"),
        (changed(part={"source": {"kind": "feature", "of": "sae"}}), "has a number"),
        (changed(part={"when": {"above": float("inf"), "source": {"kind": "saved", "of": "x"}}}), "to be above"),
        (changed(part={"when": {"per": "day", "above": 1, "source": {"kind": "saved", "of": "x"}}}), "per token"),
        (changed(generation={"max_new_tokens": 0}), "1 or more"),
        (changed(generation={"seed": 1.5}), "whole number"),
        (changed(generation={"temperature": -1}), "temperature"),
        (changed(generation={"top_k": 3}), "'top_k'"),
    ],
)
def test_what_is_no_recipe_is_said(value: Any, sentence: str) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    with pytest.raises(UserError, match=sentence):
        Recipe.from_text(text)


def test_a_recipe_does_what_its_interventions_do_by_hand(saved: Model) -> None:
    recipe = Recipe(
        saved.id,
        PROMPTS[0],
        (
            Part(Source("saved", "warm"), 1.5, tokens=("prompt",), ranges=((1, 4),)),
            Part(Source("saved", "long"), 1.0, "ablate", tokens=("prompt", "first", "later")),
            Part(Source("sum", "2*warm"), -0.5, "set", layers=(0, 1), tokens=("later",)),
        ),
        Decoding(max_new_tokens=8),
    )
    v, w = (unit(saved.width, seed).astype(np.float32) for seed in (0, 1))
    by_hand = [
        Intervention(saved.site(1), v, 1.5 * NORM, Positions(first=False, later=False, within=((1, 4),))),
        Intervention(saved.site(2), w, 1.0, Positions(), operator_named("ablate")),
        *(
            Intervention(saved.site(n), v, -0.5 * NORM, Positions(False, False, True), operator_named("set"))
            for n in (0, 1)
        ),
    ]
    (ids,) = ids_of(saved, PROMPTS[0])
    expected = written(stream(saved, [ids, ids], [[], by_hand], recipe.decoding))
    *_, last = play(saved, prepare(saved, recipe))
    assert [list(tokens) for tokens in last.tokens] == expected
    assert expected[0] != expected[1]
    # The strip: prompt, then every token that was read, which the last one was not.
    n = len(ids)
    assert [sum(own) for own in last.fired] == [3, n - 1 + 7, 6, 6]
    assert [place for place, fired in enumerate(last.fired[0]) if fired] == [1, 2, 3]
    assert [place for place, fired in enumerate(last.fired[3]) if fired] == list(range(n + 1, n + 7))
    texts = run_recipe(saved, recipe).texts
    assert [list(one.tokens) for one in texts] == expected
    assert texts[0].guards.kl == 0 < texts[1].guards.kl


def test_a_link_of_digests_says_when_a_direction_is_another_one(saved: Model) -> None:
    recipe = Recipe(saved.id, "The film", (Part(Source("saved", "warm"), 1.0),))
    kept = with_digests(recipe, prepare(saved, recipe), saved)
    assert kept.fingerprint == saved.fingerprint
    assert prepare(saved, kept).interventions[0].coefficient == NORM
    other = replace(kept.parts[0], source=replace(kept.parts[0].source, digest="0" * 24))
    with pytest.raises(UserError, match="not the direction any more"):
        prepare(saved, replace(kept, parts=(other,)))
    with pytest.raises(UserError, match="was saved with"):
        prepare(saved, replace(kept, fingerprint="0" * 24))


def test_pasted_texts_are_the_difference_of_their_means(saved: Model) -> None:
    plus, minus = ("I love this film", "love"), ("I hate the long letter",)
    found = direction_for(saved, Source("texts", layer=2, plus=plus, minus=minus))

    def mean(texts: tuple[str, ...]) -> np.ndarray:
        rows = []
        for text in texts:
            ids = saved.tokenizer("\n" + text, return_tensors="pt")["input_ids"]
            with torch.no_grad():
                h = saved.network(ids, output_hidden_states=True).hidden_states[3][0, 1:].double().numpy()
            rows.append(h.mean(axis=0))
        return np.mean(rows, axis=0)

    raw = mean(plus) - mean(minus)
    assert found.raw_norm == pytest.approx(np.linalg.norm(raw), rel=1e-5)
    assert np.abs(found.vector - raw / np.linalg.norm(raw)).max() < 1e-5
    neutral = direction_for(saved, Source("texts", layer=2, plus=plus))
    raw = mean(plus) - mean(NEUTRAL)
    assert np.abs(neutral.vector - raw / np.linalg.norm(raw)).max() < 1e-5
    with pytest.raises(UserError, match="same texts"):
        direction_for(saved, Source("texts", layer=2, plus=plus, minus=plus))


def test_a_condition_counts_in_deviations_of_ordinary_tokens(saved: Model) -> None:
    v = unit(saved.width).astype(np.float32)
    rows = []
    for prompt in NEUTRAL:
        ids = saved.tokenizer(prompt, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            rows.append(saved.network(ids, output_hidden_states=True).hidden_states[2][0, 1:].double().numpy() @ v)
    ordinary = np.concatenate(rows)
    when = When("token", 1.0, Source("saved", "warm"))
    recipe = Recipe(saved.id, PROMPTS[2], (Part(Source("saved", "long"), 1.0, when=when),), Decoding(1))
    condition = prepare(saved, recipe).interventions[0].condition
    assert condition is not None
    assert condition.above == pytest.approx(ordinary.mean() + ordinary.std(ddof=1), rel=1e-4)
    (ids,) = ids_of(saved, PROMPTS[2])
    z = readings(saved, ids, saved.site(1), v)
    assert z[0] is None
    (moment,) = play(saved, prepare(saved, recipe))
    assert moment.fired[0] == tuple(one is not None and one > 1.0 for one in z)
    assert any(moment.fired[0])
    assert not all(moment.fired[0][1:])


def test_recipes_are_kept_by_name(home: Path) -> None:
    save_recipe(WHOLE, "mine")
    assert list_recipes() == ["mine"]
    assert load_recipe("mine") == WHOLE
    with pytest.raises(UserError, match="already"):
        save_recipe(WHOLE, "mine")
    for bad in ("../mine", "a/b", ""):
        with pytest.raises(UserError, match="cannot be a name"):
            save_recipe(WHOLE, bad)
    with pytest.raises(UserError, match="saved are: mine"):
        load_recipe("yours")
    file = home / "recipes" / "mine.json"
    assert Recipe.from_text(file.read_text()) == WHOLE
    file.write_text(file.read_text().replace('"dose": 0.5', '"dose": 0.7', 1))
    with pytest.raises(UserError, match="take its line 'check' out"):
        load_recipe("mine")
    file.write_text("".join(line for line in file.read_text().splitlines(keepends=True) if '"check"' not in line))
    assert load_recipe("mine") != WHOLE
    kept = keep_for_job(WHOLE)
    kept.write_bytes(kept.read_bytes()[:-9])
    assert read_recipe(keep_for_job(WHOLE)) == WHOLE


def test_the_command_line_runs_a_recipe(
    saved: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.cli.arguments.open_model_of", lambda _: saved)
    decoding = Decoding(max_new_tokens=6)
    recipe = Recipe("tiny", PROMPTS[0], (Part(Source("saved", "warm"), 3.0, tokens=("all",)),), decoding)
    path = tmp_path / "recipe.json"
    path.write_text(recipe.to_text())
    found = run(capsys, "steer", "tiny", "--recipe", str(path))
    push = Intervention(saved.site(1), unit(saved.width).astype(np.float32), 3.0 * NORM)
    (ids,) = ids_of(saved, PROMPTS[0])
    assert found["results"][0]["tokens"] == written(stream(saved, [ids], [[push]], decoding))[0]
    assert (found["results"][0]["dose"], found["control"][0]["dose"]) == (3.0, 0.0)
    assert found["interventions"][0]["coefficient"] == 3.0 * NORM
    save_recipe(replace(recipe, decoding=Decoding(6, temperature=1.0)), "mine")
    more = run(capsys, "steer", "tiny", "--recipe", "mine", "--prompts", "neutral", "--seeds", "0,1")
    assert len(more["results"]) == len(more["control"]) == 40
    assert more["results"][2]["prompt"] == NEUTRAL[1]
    assert "seeds give the same text" in fails(capsys, "steer", "tiny", "--recipe", str(path), "--seeds", "0,1")
    assert "no recipe called" in fails(capsys, "steer", "tiny", "--recipe", "yours")
    assert "cannot be read" in fails(capsys, "steer", "tiny", "--recipe", "./nowhere.json")
    assert "as it stands" in fails(capsys, "steer", "tiny", "--recipe", "mine", "--controls", "2")
    path.write_text('{"interventions": [{"source": {"kind": "saved", "of": "warm"}, "dose": NaN}]}')
    assert "no number to steer with" in fails(capsys, "steer", "tiny", "--recipe", str(path))
    path.write_text('{"prompt": " ", "interventions": []}')
    assert "is empty" in fails(capsys, "steer", "tiny", "--recipe", str(path))
    path.write_text(replace(recipe, chat=True).to_text())
    assert "no chat template" in fails(capsys, "steer", "tiny", "--recipe", str(path))


def test_a_recipe_with_a_direction_of_another_model_is_refused(saved: Model, tmp_path: Path) -> None:
    other = open_model(str(tiny_directory(tmp_path, "gpt2")))
    with pytest.raises(UserError, match="was made for"):
        prepare(other, Recipe("gpt2", "The film", (Part(Source("saved", "warm"), 1.0),)))
