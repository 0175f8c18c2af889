"""What tests of a server with several users share: one of each kind of thing, and pages seen by one of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from core import accounts, spaces
from core.activations import write_arrays, write_result
from core.dictionaries import Card, Dictionary, save_dictionary
from core.dictionaries.index.notes import say
from core.directions import save_direction
from core.examples import from_lists, save_examples, save_images
from core.steering import Part, Recipe, Source, save_recipe
from tests.dictionaries import small_sae
from tests.made_directions import direction
from tests.pages import ROOT, SECONDS
from tests.test_examples_images import encoded, two_colours, zipped

SECRET = "zanzibar"  # in the contents alone, so that no link can ask for it
TEXTS = ([f"good {SECRET}", "good two"], ["bad one", "bad two"])
WORDS = {"anna": "correct horse battery", "bert": "another good password"}
GOOD = WORDS["anna"]
HERS = "annas-own"  # in the name and in the contents of all that is Anna's


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def save_all(name: str) -> None:
    """One of each kind that people save, all of one name, which is in what they hold too."""
    save_examples(from_lists(*[[f"{name} {text}" for text in side] for side in TEXTS], name), name)
    save_images(name, zipped({f"{name}/a.png": encoded(two_colours()), "other/b.png": encoded(two_colours(8))}))
    save_direction(direction(name, provenance={"examples": {"id": name, "title": name}}))
    save_recipe(_recipe(name), name)
    save_dictionary(Dictionary(name, small_sae("standard"), Card()), name)
    say("key", 1, label=name)
    write_result("ab" * 12, {"by": name})
    write_arrays("cd" * 12, {"a": np.ones(2)})


def _recipe(name: str) -> Recipe:
    return Recipe("smollm2", f"{name} wrote {SECRET}", (Part(Source("saved", name)),))


def state_of(folder: Path) -> dict[str, str]:
    """Every file outside the users' spaces, by what it holds."""
    own = folder / spaces.USERS
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_relative_to(own))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def visit(page: str, name: str = "", **query: str) -> AppTest:
    """A page, by somebody who has signed in already, or by nobody."""
    app = AppTest.from_file(str(ROOT / "pages" / f"{page}.py"), default_timeout=SECONDS)
    if name:
        app.session_state["door_token"] = accounts.sign_in(name, WORDS[name], "192.0.2.9")
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def sign_in(app: AppTest, name: str, word: str | None = None) -> AppTest:
    """As a person does, at the door."""
    app.text_input(key="door_name").input(name)
    app.text_input(key="door_password").input(WORDS[name] if word is None else word)
    return app.button[0].click().run()


def shown(app: AppTest) -> str:
    """All that reaches the browser, of whatever kind, in the form in which it is sent."""
    return "\n".join(str(node.proto) for block in (app.main, app.sidebar) for node in _nodes(block))


def _nodes(block: Any) -> Iterator[Any]:
    for child in block.children.values():
        yield child
        if hasattr(child, "children"):
            yield from _nodes(child)
