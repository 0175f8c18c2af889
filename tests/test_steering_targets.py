"""Target words: the tokens that they are, their probability as plain transformers has it, and what they leave alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from core.directions import save_direction
from core.errors import UserError
from core.models import Model
from core.steering import (
    Decoding,
    Part,
    Recipe,
    Source,
    guards,
    look,
    parse_targets,
    play,
    prepare,
    run_page,
    run_recipe,
    run_report,
    sweep_doses,
    sweep_of,
)
from core.steering.dose_curves import curve
from core.steering.sweep_json import to_json
from core.steering.texts import prompt_ids
from pages.shared.steering_links import choices_of
from tests.commands import fails, run
from tests.pages import open_alone
from tests.test_pages_steering import directory, fresh_caches, generate, model, query  # noqa: F401 (fixtures)
from tests.test_steering_recipes import saved  # noqa: F401 (a fixture)
from tests.test_steering_sweep import PROMPTS, direction, norm_of_2  # noqa: F401 (a fixture)

WORDS = ("a", "w")


def recipe(model: Model, targets: tuple[str, ...] = WORDS, dose: float = 3.0) -> Recipe:  # noqa: F811
    part = Part(Source("saved", "warm"), dose)
    return Recipe(model.id, PROMPTS[0], (part,), Decoding(max_new_tokens=6), targets=targets)


def mass(model: Model, prompt: str, written: tuple[int, ...]) -> float:  # noqa: F811
    """As plain transformers has it: of the tokens ` a` and ` w`, before each written token."""
    ids = [model.tokenizer(f" {word}", add_special_tokens=False)["input_ids"] for word in WORDS]
    assert all(len(one) == 1 for one in ids)
    before = prompt_ids(model, prompt)
    with torch.no_grad():
        p = model.network(torch.tensor([[*before, *written]])).logits[0].double().softmax(-1)
    return float(p[len(before) - 1 : -1, [one[0] for one in ids]].sum(-1).mean())


def test_words_as_they_are_typed() -> None:
    assert parse_targets(" good, great ,good,, ") == ("good", "great")
    assert parse_targets("  ") == ()
    with pytest.raises(UserError, match="more than 50"):
        parse_targets(",".join(map(str, range(51))))
    with pytest.raises(UserError, match="at most 40 characters"):
        parse_targets("x" * 41)


@pytest.mark.parametrize(
    ("targets", "sentence"),
    [(5, "has to be a list"), ([5], "has to be text"), ([" "], "without spaces"), (["x"] * 60, "50 are allowed")],
)
def test_a_recipe_that_names_no_words(targets: Any, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        Recipe.from_json({"model": "x", "prompt": "y", "targets": targets})


def test_a_recipe_keeps_them_and_its_run_measures_them(saved: Model) -> None:  # noqa: F811
    of = recipe(saved)
    assert Recipe.from_text(of.to_text()) == of
    assert "targets" not in recipe(saved, ()).to_json()  # files of recipes without stay what they were
    plain, steered = run_recipe(saved, of).texts
    assert plain.guards.target == pytest.approx(mass(saved, PROMPTS[0], plain.tokens), rel=1e-4)
    assert steered.guards.target != pytest.approx(mass(saved, PROMPTS[0], steered.tokens), rel=1e-3)  # under the push
    ready = prepare(saved, of)
    (expected,) = guards(saved, [ready.ids], [steered.tokens], [ready.interventions], targets=ready.targets)
    assert steered.guards.target == pytest.approx(expected.target, rel=1e-5)
    assert run_recipe(saved, recipe(saved, ())).texts[0].guards.target is None


def test_a_word_of_several_tokens_is_refused_by_name(saved: Model) -> None:  # noqa: F811
    with pytest.raises(UserError, match="'wonderfully' is"):
        prepare(saved, recipe(saved, ("wonderfully",)))


def test_the_report_names_the_words_if_there_are_any(saved: Model) -> None:  # noqa: F811
    for targets in (WORDS, ()):
        ready = prepare(saved, recipe(saved, targets))
        *_, last = play(saved, ready)
        read = [
            look(saved, ready.ids, tokens, pushes, targets=ready.targets)[1]
            for tokens, pushes in zip(last.tokens, ((), ready.interventions), strict=True)
        ]
        for make in (run_report, run_page):
            said = make(saved, ready, last.tokens, last.fired, (read[0], read[1]))
            assert ("target words, mean probability: a, w" in said) == bool(targets)
            if targets:
                assert f"{read[1].target:.3g}" in said


def test_a_sweep_measures_them_per_dose_and_writes_no_text_again(
    tiny: Model,
    norm_of_2: None,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, decoding = direction(tiny), Decoding(max_new_tokens=5)
    ids = [tiny.tokenizer(f" {word}", add_special_tokens=False)["input_ids"][0] for word in WORDS]
    options: dict[str, Any] = {"decoding": decoding, "n_random": 1}
    without = sweep_doses(tiny, one, PROMPTS, [-2.0, 2.0], **options)
    assert all(text.guards.target is None for text in without.texts)
    with monkeypatch.context() as patch:
        patch.setattr("core.steering.kept.write_all", lambda *_, **__: pytest.fail("was written before"))
        watched = sweep_doses(tiny, one, PROMPTS, [-2.0, 2.0], targets=ids, **options)
        assert sweep_doses(tiny, one, PROMPTS, [-2.0, 2.0], **options).texts == without.texts
    assert [text.tokens for text in watched.texts] == [text.tokens for text in without.texts]
    assert [text.guards.kl for text in watched.texts] == pytest.approx([text.guards.kl for text in without.texts])
    plain = [text for text in watched.texts if text.dose == 0]
    for text in plain:
        assert text.guards.target == pytest.approx(mass(tiny, PROMPTS[text.prompt], text.tokens), rel=1e-4)
    points = curve(sweep_of(to_json(watched, watched.doses), "d"), "target")
    assert [point.dose for point in points] == [-2.0, 0.0, 2.0]
    mean = sum(text.guards.target or 0 for text in plain) / len(plain)
    assert points[1].mean == pytest.approx(mean)
    # Written for target words at first, they are there for whoever watches others, or none.
    ahead = sweep_doses(tiny, one, PROMPTS, [1.0], targets=ids, decoding=decoding)
    monkeypatch.setattr("core.steering.kept.write_all", lambda *_, **__: pytest.fail("was written before"))
    assert sweep_doses(tiny, one, PROMPTS, [1.0], decoding=decoding).texts[0].tokens == ahead.texts[0].tokens


def test_on_the_command_line(
    saved: Model,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    norm_of_2: None,  # noqa: F811
) -> None:
    monkeypatch.setattr("core.cli.arguments.open_model_of", lambda _: saved)
    save_direction(direction(saved))
    asked = ("steer", "tiny", "--direction", "d", "--prompt", PROMPTS[0], "--doses=0", "--max-new-tokens", "4")
    (found,) = run(capsys, *asked, "--targets", "a, w")["results"]
    assert found["guards"]["target"] == pytest.approx(mass(saved, PROMPTS[0], tuple(found["tokens"])), rel=1e-4)
    assert "'wonderfully'" in fails(capsys, *asked, "--targets", "wonderfully")
    (tmp_path / "recipe.json").write_text(recipe(saved).to_text())
    again = ("steer", "tiny", "--recipe", str(tmp_path / "recipe.json"))
    assert run(capsys, *again)["results"][0]["guards"]["target"] > 0
    assert "--targets" in fails(capsys, *again, "--targets", "a")


def test_the_page_watches_other_words_without_writing_anew(model: Model, directory: str) -> None:  # noqa: F811
    app = generate(open_alone("steering", **query(directory, dose="0.8", targets="a, w")))
    assert not app.exception
    assert not app.error
    written = app.session_state["written_texts"]
    value, caption = shown(app)
    ready = prepare(model, written.recipe)
    before, after = (
        look(model, ready.ids, tokens, pushes, targets=ready.targets)[1].target
        for tokens, pushes in zip(written.tokens, ((), ready.interventions), strict=True)
    )
    assert (value, caption) == (f"{after:.3g}", f"plain {before:.3g}")
    assert before == pytest.approx(mass(model, written.recipe.prompt, written.tokens[0]), rel=1e-4)
    assert choices_of(written.recipe)["targets"] == "a, w"
    app.text_input(key="targets").set_value("a").run()
    assert not app.exception
    assert app.session_state["written_texts"].tokens == written.tokens
    assert shown(app)[0] != value
    app.text_input(key="targets").set_value("wonderfully").run()
    assert not app.exception
    assert "wonderfully" in app.error[0].value
    app.text_input(key="targets").set_value("").run()
    assert not app.error
    assert "Target words" not in [metric.label for metric in app.metric]


def shown(app: Any) -> tuple[str, str]:
    labels = [metric.label for metric in app.metric]
    value = app.metric[labels.index("Target words")].value
    captions = [caption.value for caption in app.caption if caption.value.startswith("plain ")]
    return value, captions[-1]


def test_the_sweep_view_asks_for_them_by_its_command(model: Model, directory: str) -> None:  # noqa: F811
    save_direction(direction(model))
    app = open_alone("steering", **query(directory, steer="sweep", sweep_targets="a,w", doses="-1,1"))
    assert not app.exception
    started: list[list[str]] = []
    patch = pytest.MonkeyPatch()
    patch.setattr("pages.shared.asking.jobs.start", lambda arguments, title: started.append(list(arguments)))
    try:
        next(button for button in app.button if button.label == "Compute").click().run()
    finally:
        patch.undo()
    assert "--targets=a,w" in started[0]
    assert "--doses=-1,1,0" in started[0]


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ({"doses": "nan"}, "no number to steer with"),
        ({"doses": "1,1e9"}, "absurd"),
        ({"doses": "much"}, "Doses are numbers"),
        ({"doses": ",".join(["1"] * 60)}, "take fewer"),
        ({"sweep_targets": "x" * 50}, "at most 40 characters"),
    ],
)
def test_a_sweep_that_cannot_be_is_said_before_it_is_started(
    model: Model,  # noqa: F811
    directory: str,  # noqa: F811
    link: dict[str, str],
    sentence: str,
) -> None:
    save_direction(direction(model))
    app = open_alone("steering", **query(directory, steer="sweep", **link))
    assert not app.exception
    assert sentence in app.error[0].value.replace("\\", "")
    assert not any(button.label == "Compute" for button in app.button)
