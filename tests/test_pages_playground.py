"""The playground: several interventions, a closer look, recipes kept and taken over, earlier runs, and the sweep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.directions import make_direction, save_direction
from core.examples import open_examples
from core.models import Model
from core.steering import (
    Decoding,
    Part,
    Recipe,
    Source,
    When,
    list_recipes,
    load_recipe,
    look,
    play,
    prepare,
    save_recipe,
)
from pages.shared.steering_links import choices_of
from tests.pages import open_alone, texts_of
from tests.test_pages_steering import PROMPT, directory, fresh_caches, generate, model, query  # noqa: F401 (fixtures)


@pytest.fixture
def warmth(model: Model) -> None:  # noqa: F811
    save_direction(make_direction(model, open_examples("colours"), model.site(1), "diffmean", name="warmth"))


def shown(app: AppTest) -> Any:
    assert not app.exception
    assert not app.error, app.error[0].value
    return app.session_state["written_texts"]


MIX = {
    **{"operator": "norm_add", "dose": "0.8", "positions": "prompt,later", "ranges": "1-2", "layers": "1,2"},
    **{"more": "1", "from_2": "saved", "direction_2": "warmth", "operator_2": "ablate", "dose_2": "1"},
    **{"positions_2": "prompt,first,later", "when_2": "token", "from_when_2": "pasted", "layer_when_2": "0"},
    **{"plus_when_2": "love", "minus_when_2": "hate", "above_2": "0.5", "temperature": "0.8", "top_p": "0.9"},
    **{"penalty": "1.2", "seed": "3"},
}


def mix(directory: str, model: Model) -> Recipe:  # noqa: F811
    probe = Source("texts", layer=0, plus=("love",), minus=("hate",))
    return Recipe(
        directory,
        PROMPT,
        (
            Part(
                Source("examples", "colours", layer=2, limit=1000),
                0.8,
                "norm_add",
                (1, 2),
                ("prompt", "later"),
                ((1, 3),),
            ),
            Part(
                Source("saved", "warmth"),
                1.0,
                "ablate",
                tokens=("prompt", "first", "later"),
                when=When("token", 0.5, probe),
            ),
        ),
        Decoding(12, 0.8, 0.9, 1.2, 3),
    )


def test_a_mix_of_interventions_is_what_the_link_says(model: Model, directory: str, warmth: None) -> None:  # noqa: F811
    app = generate(open_alone("steering", **query(directory, **MIX)))
    written = shown(app)
    recipe = mix(directory, model)
    assert written.recipe == recipe
    *_, last = play(model, prepare(model, recipe))
    assert (written.tokens, written.fired) == (last.tokens, last.fired)
    assert len(written.fired) == 3
    # The address that a recipe gives is one that gives the recipe.
    again = generate(open_alone("steering", **choices_of(recipe)))
    assert shown(again).recipe == recipe
    assert shown(again).tokens == written.tokens


def test_the_guards_and_the_tokens_are_those_of_the_room(model: Model, directory: str) -> None:  # noqa: F811
    app = generate(open_alone("steering", **query(directory, dose="0.8", tokens_shown="yes")))
    written = shown(app)
    ready = prepare(model, written.recipe)
    seen, guards = look(model, ready.ids, written.tokens[1], ready.interventions)
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["KL, nats"] == f"{guards.kl:.3g}"
    assert metrics["Perplexity"] == (f"{guards.perplexity:.3g}" if guards.perplexity < 1000 else metrics["Perplexity"])
    (table,) = (frame.value for frame in app.dataframe)
    first = seen[0].alternatives
    assert table["steered"].tolist() == pytest.approx([one.steered for one in first])
    assert table["plain"].tolist() == pytest.approx([one.plain for one in first])
    assert (table[""] == "written").sum() == 1
    for colour in ("shift", "reading"):
        app.segmented_control(key="colour").set_value(colour).run()
        shown(app)


def test_a_recipe_is_kept_and_its_choices_taken_over(model: Model, directory: str, warmth: None) -> None:  # noqa: F811
    app = generate(open_alone("steering", **query(directory, **MIX)))
    app.text_input(key="recipe_name").set_value("mine")
    next(button for button in app.button if button.label == "Keep").click().run()
    assert list_recipes() == ["mine"]
    kept = load_recipe("mine")
    assert kept.fingerprint == model.fingerprint
    assert kept.parts[1].source.digest
    fresh = open_alone("steering", model=directory)
    next(box for box in fresh.selectbox if box.label == "Kept recipes").set_value("mine").run()
    fresh.button(key="take_recipe").click().run()
    written = shown(generate(fresh))
    assert written.tokens == shown(app).tokens
    assert written.recipe == mix(directory, model)


def test_a_conversation_is_left_to_the_command_line(model: Model, directory: str) -> None:  # noqa: F811
    turns = [{"role": "user", "content": "Hello"}]
    source = {"kind": "saved", "of": "warmth"}
    value = {"model": directory, "turns": turns, "interventions": [{"source": source, "dose": 1}]}
    save_recipe(Recipe.from_json(value), "talk")
    app = open_alone("steering", model=directory)
    next(box for box in app.selectbox if box.label == "Kept recipes").set_value("talk").run()
    assert not app.exception
    assert "run a conversation" in app.error[0].value


def test_one_goes_back_to_an_earlier_run_and_compares(model: Model, directory: str) -> None:  # noqa: F811
    app = generate(open_alone("steering", **query(directory, dose="0.8")))
    earlier = shown(app)
    app.slider(key="dose").set_value(-0.8)
    generate(app)
    assert shown(app).recipe != earlier.recipe
    assert "Earlier runs (1)" in [expander.label for expander in app.expander]
    app.button(key="undo").click().run()
    assert app.slider(key="dose").value == 0.8
    assert app.query_params["dose"] == "0.8"
    generate(app)
    assert shown(app).tokens == earlier.tokens


def test_the_earlier_run_that_is_looked_at_stays_when_another_is_made(model: Model, directory: str) -> None:  # noqa: F811
    app = generate(open_alone("steering", **query(directory, dose="0.1")))
    for dose in (0.2, 0.3):
        app.slider(key="dose").set_value(dose)
        generate(app)
    oldest = app.selectbox(key="earlier_run").options[-1]
    app.selectbox(key="earlier_run").select_index(1).run()
    for dose in (0.4, 0.5):
        app.slider(key="dose").set_value(dose)
        generate(app)
        box = app.selectbox(key="earlier_run")
        assert box.options[box.index] == oldest


def test_an_address_names_the_saved_direction_also_where_it_is_the_first(model: Model, directory: str) -> None:  # noqa: F811
    def saved(name: str, way: str) -> None:
        save_direction(make_direction(model, open_examples("colours"), model.site(1), way, name=name))

    saved("warmth", "diffmean")
    app = generate(open_alone("steering", **query(directory, **{"from": "saved", "dose": "0.4"})))
    first, link = (
        shown(app).recipe,
        {key: texts if isinstance(texts, str) else texts[0] for key, texts in app.query_params.items()},
    )
    assert link["direction"] == "warmth"
    saved("another", "logistic")  # listed before it
    assert app.run().selectbox(key="direction").value == "warmth"
    assert shown(generate(open_alone("steering", **link))).recipe == first


def test_presets_set_the_first_intervention(model: Model, directory: str) -> None:  # noqa: F811
    app = open_alone("steering", **query(directory))
    app.button(key="preset_Take the concept out").click().run()
    part = shown(generate(app)).recipe.parts[0]
    assert (part.operator, part.dose, part.tokens) == ("ablate", 1.0, ("prompt", "first", "later"))


def test_interventions_come_and_go(model: Model, directory: str, warmth: None) -> None:  # noqa: F811
    app = open_alone("steering", **query(directory))
    app.button(key="add_part").click().run()
    assert app.query_params["more"] == "1"
    app.segmented_control(key="from_2").set_value("saved").run()
    assert len(shown(generate(app)).recipe.parts) == 2
    app.button(key="remove_part").click().run()
    assert not app.exception
    assert "more" not in app.query_params


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ({"prompt": " "}, "prompt is empty"),
        ({"prompt": "word " * 700}, "come to"),
        ({"chat": "yes"}, "no chat template"),
        ({"layers": "one"}, "Layers are numbers"),
        ({"layers": "99"}, "no layer 99"),
        ({"ranges": "4-2"}, "larger number"),
        ({"ranges": "x"}, "Tokens are numbers"),
        ({"when": "token", "layer": "1", "from_when": "pasted", "layer_when": "3"}, "lies behind"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    model: Model,  # noqa: F811
    directory: str,  # noqa: F811
    link: dict[str, str],
    sentence: str,
) -> None:
    app = open_alone("steering", **query(directory, **link))
    if any(button.key == "generate" for button in app.button):
        generate(app)
    assert not app.exception
    assert sentence in app.error[0].value.replace("\\", "")


@pytest.mark.parametrize("dose", ["nan", "inf", "1e9", "much"])
def test_a_dose_that_is_none_is_not_taken_from_a_link(model: Model, directory: str, dose: str) -> None:  # noqa: F811
    app = open_alone("steering", **query(directory, dose=dose))
    assert not app.exception
    assert app.slider(key="dose").value == 0.5


def fake_sweep() -> dict[str, Any]:
    """What `steer --json` prints, for two prompts, three doses, a random direction."""
    rng = np.random.default_rng(0)
    rows = []
    for arm, number, doses in (("direction", 0, (-0.5, 0.0, 0.5)), ("random", 0, (-0.5, 0.5)), ("prompt", 0, (0.0,))):
        for prompt in ("The film", "The food"):
            for dose in doses:
                guards = {"kl": abs(dose), "entropy": 3.0, "perplexity": 9.0, "repetition": 0.1, "target": None}
                own = {"arm": arm, "number": number, "dose": dose, "coefficient": dose, "seed": 0, "prompt": prompt}
                value = float(dose + rng.normal())
                text = f"<b>{arm}</b> {dose} {prompt}"
                rows.append({**own, "text": text, "score": value, "measure": value, "guards": guards})
    judge = {"name": "embedding", "title": "J", "offset": 0, "scale": 1, "auroc": 0.9, "auroc_ci": [0.8, 1.0]}
    return {
        "results": [{**row, "tokens": [1]} for row in rows if row["arm"] == "direction"],
        "control": [row for row in rows if row["arm"] != "direction"],
        "judges": [judge | {"layer": None}],
        "tokens_per_second": 10.0,
        "seconds": 1.0,
        "range": [-0.5, 0.5],
        "range_shown": [[-0.5, 1.1, 0.0, -1.2], [0.5, 1.2, 0.0, None]],
        "slope": {"mean": 1.0, "interval": [0.5, 1.5], "wrong_way": 0.25, "random": [0.1], "above": 1},
    }


@pytest.mark.parametrize("by_layer", [False, True])
def test_a_sweep_that_was_run_is_shown(
    model: Model,  # noqa: F811
    directory: str,  # noqa: F811
    warmth: None,
    monkeypatch: pytest.MonkeyPatch,
    by_layer: bool,
) -> None:
    app = open_alone("steering", **query(directory, steer="sweep"))
    assert not app.exception
    assert any(button.label == "Compute" for button in app.button)
    one = fake_sweep()
    layers = [one | {"layer": n, "anew": n != 3, "perplexity": 1.0 + n, "kl": 0.1} for n in (1, 3)]
    result = {"layers": layers, "results": []} if by_layer else one
    asked: list[str] = []

    def found(id: str) -> jobs.Job:
        asked.append(id)
        return jobs.Job(id, "x", ("steer",), "done", 0.0, result=result)

    monkeypatch.setattr("pages.shared.steering_sweep.jobs.find", found)
    app.run()
    assert not app.exception
    assert not app.error
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Recommended doses"] == "-0.5 to +0.5"
    assert metrics["Prompts that move the wrong way"] == "25%"
    said = texts_of(app)
    assert "above 1 of 1 random directions" in said.lower()
    assert "\\<b\\>direction\\<\\/b\\>" in said  # texts stay texts
    assert ("At layers 3 the same vector" in said) == by_layer
    assert asked


def test_without_a_saved_direction_the_sweep_says_what_to_do(model: Model, directory: str) -> None:  # noqa: F811
    app = open_alone("steering", **query(directory, steer="sweep"))
    assert not app.exception
    assert "A sweep takes a saved direction" in texts_of(app)
