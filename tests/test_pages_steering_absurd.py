"""What nobody should ask of the Steering page, by recipe, by file and by link: a sentence, and the page goes on."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core import workspace
from core.models import Model, open_model
from core.steering import Recipe
from pages.shared.steering_links import choices_of
from tests.pages import forget, open_alone, sends_html, texts_of
from tests.test_steering_absurd import ABSURD, PART, WHEN, recipe, strange  # noqa: F401 (a fixture)
from tests.test_steering_recipes import saved  # noqa: F401 (a fixture)

pytestmark = pytest.mark.slow

HOSTILE = "<img src=x onerror=alert(1)> :red[x] $y$ [a](http://b)"
# What is changed in a sound recipe, and what the page says before anything is written.
BEYOND: dict[str, tuple[dict[str, Any], str]] = {
    "dose beyond the slider": ({"interventions": [{**PART, "dose": 5}]}, "from -1 to 1"),
    "dose of four hundred digits": ({"interventions": [{**PART, "dose": 10**400}]}, "no number to steer with"),
    "more tokens than the page writes": ({"generation": {"max_new_tokens": 5000}}, "from 1 to 400"),
    "more tokens than any model reads": ({"generation": {"max_new_tokens": 10**400}}, "absurd"),
    "temperature beyond the slider": ({"generation": {"temperature": 9}}, "from 0 to 2"),
    "prompt beyond the page": ({"prompt": "word " * 1000}, "from 1 to 4,000"),
    "rows that the page does not take": (
        {"interventions": [{"source": {"kind": "examples", "of": "x", "layer": 1, "limit": 7}, "dose": 1}]},
        "up to 1,000 rows",
    ),
    "condition at a layer of its own": (
        {"interventions": [{**PART, "when": {**WHEN, "above": 1, "layer": 0}}]},
        "own direction's layer",
    ),
    "no model": ({"model": ""}, "names no model"),
    "model that is nowhere": ({"model": f"/nowhere/{HOSTILE}"}, "There is no model directory"),
    "half a character": ({"prompt": "\ud800"}, "half a character"),
    "operator of HTML": ({"interventions": [{**PART, "operator": HOSTILE}]}, "There is no operator '<img src=x"),
    "direction of HTML": (
        {"interventions": [{**PART, "source": {"kind": "saved", "of": HOSTILE}}]},
        "cannot be a name",
    ),
}
FILES = {
    "nothing": (b"", "is no JSON"),
    "not JSON": (b"<!doctype html><script>alert(1)</script>", "is no JSON"),
    "half of it": (b'{"model": "x", "prompt"', "is no JSON"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", "is no JSON"),
    "brackets without end": (b"[" * 100_000, "is no JSON"),
    "a list": (b"[1, 2]", "has to be a JSON object"),
    "of a later version": (b'{"conceptscope": "recipe", "version": 2}', "of version 2, and only 1"),
    "something else of ours": (b'{"conceptscope": "direction"}', "not a recipe"),
    "HTML for a version": (b'{"version": "<b>1</b>"}', "of version <b>1</b>"),
}
LINKS = {
    "layer that is not there": ({"layer": "99"}, "“99” as Layer"),
    "dose that is no number": ({"dose": "nan"}, "“nan” as Dose"),
    "direction of another model": ({"from": "saved", "direction": "strange"}, "“strange” as Saved direction"),
    "prompt beyond the page": ({"prompt": "word " * 1000}, "as Prompt"),
    "operator that is not there": ({"operator": "twist"}, "“twist” as What is done"),
    "temperature that is no number": ({"temperature": "nan"}, "“nan” as Temperature"),
}


@pytest.fixture(autouse=True)
def sound(strange: Model) -> None:  # noqa: F811
    """Beside all that is absurd a recipe that is not; and the model stands in the list of this workspace."""
    forget()
    open_model(strange.id)
    for name in ("sound", "absurd"):
        keep(name, recipe(strange, {}))


def keep(name: str, text: str) -> None:
    workspace.write_bytes(workspace.place("recipes", f"{name}.json"), text.encode())


def said(app: AppTest) -> str:
    assert not app.exception
    return "\n".join(one.value.replace("\\", "") for one in [*app.error, *app.warning])


def take(app: AppTest, name: str) -> AppTest:
    """Choose a kept recipe and, if the page offers it, write what it says."""
    next(box for box in app.selectbox if box.label == "Kept recipes").set_value(name).run()
    if any(button.key == "take_recipe" for button in app.button):
        app.button(key="take_recipe").click().run()
        app.button(key="generate").click().run()
    return app


def goes_on(app: AppTest) -> None:
    """The page still does what it is for."""
    take(app, "sound")
    assert not app.exception
    assert not app.error
    assert app.session_state["written_texts"].text


def test_by_recipe(strange: Model) -> None:  # noqa: F811
    """One after the other in one session, which goes on each time."""
    app = open_alone("steering", model=strange.id, **{"from": "saved"})
    for what, (change, sentence) in {**ABSURD, **BEYOND}.items():
        keep("absurd", recipe(strange, change))
        take(app, "absurd")
        assert sentence in said(app), what
        if "fingerprint" not in change:  # of which the page warns, and writes with the model that is there
            assert "written_texts" not in app.session_state, what
        else:
            del app.session_state["written_texts"]
        next(box for box in app.selectbox if box.label == "Kept recipes").set_value("sound")
    goes_on(app)


def test_by_file(strange: Model) -> None:  # noqa: F811
    app = open_alone("steering", model=strange.id, **{"from": "saved"})
    for what, (data, sentence) in FILES.items():
        app.file_uploader[0].set_value(("recipe.json", data, "application/json")).run()
        assert sentence in said(app), what
        assert not any(button.key == "take_recipe" for button in app.button), what
    goes_on(app)


def test_by_link(strange: Model) -> None:  # noqa: F811
    query = {"model": strange.id, "from": "saved", "direction": "warm", "tokens": "4", "prompt": "The film was"}
    app = open_alone("steering", **query)
    for what, (link, sentence) in LINKS.items():
        for key, value in link.items():
            app.query_params[key] = value
        app.run()
        assert sentence in said(app), what
    app.button(key="generate").click().run()
    assert all(sentence in said(app) for _, sentence in LINKS.values())  # as long as what was taken instead stands
    goes_on(app)
    assert "cannot be chosen here" not in said(app)


@pytest.mark.parametrize("dose", ["-inf", "1e300", HOSTILE])
def test_a_dose_that_is_none(strange: Model, dose: str) -> None:  # noqa: F811
    app = open_alone("steering", model=strange.id, dose=dose, **{"from": "saved"})
    assert f"“{dose}” as Dose" in said(app)
    assert app.slider(key="dose").value == 0.5


def test_what_was_taken_instead_is_forgotten_once_it_is_changed(strange: Model) -> None:  # noqa: F811
    app = open_alone("steering", model=strange.id, **{"from": "saved", "dose": "nan"})
    assert "“nan” as Dose" in said(app)
    app.slider(key="dose").set_value(0.25).run()
    assert said(app) == ""


def test_hostile_words_of_a_recipe_are_shown_as_words(strange: Model) -> None:  # noqa: F811
    keep("hostile", recipe(strange, {"prompt": HOSTILE}))
    app = take(open_alone("steering", model=strange.id, **{"from": "saved"}), "hostile")
    assert said(app) == ""
    assert "\\<img src\\=x onerror\\=alert\\(1\\)\\>" in texts_of(app)
    assert not sends_html(app)


@pytest.mark.parametrize("dose", [0.1, 1 / 3, -0.123456789, 1e-12])
def test_a_link_holds_the_dose_to_its_last_digit(strange: Model, dose: float) -> None:  # noqa: F811
    of = Recipe.from_text(recipe(strange, {"interventions": [{**PART, "dose": dose}]}))
    assert float(choices_of(of)["dose"]) == dose
