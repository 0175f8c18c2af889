"""The TCAV page as a first visit meets it: what it asks for by itself, and answers by the names of classes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import first_concept
from core.activations.results import BUNDLED
from core.cli import tcav
from core.models import Model, NotOpened, as_known
from core.models.class_names import find_class, imagenet_names
from core.tcav.known import known_target
from pages.shared.tcav_answers import as_class, of_classes
from pages.shared.tcav_choices import Choices
from pages.shared.tcav_words import CLASS, target_name
from tests.pages import forget, open_alone, texts_of


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    forget()
    yield
    forget()


def test_the_page_asks_by_itself_what_is_prepared(
    home_with_model: Path, smollm2: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("core.tcav.testing.read_result", asked.append)
    known_target(smollm2, first_concept.TARGET)
    app = open_alone("tcav")
    assert not app.exception
    assert not app.error, [one.value for one in app.error]
    assert "Press **Run the test**: 3 concepts, 5 layers and 100 inputs" in texts_of(app)
    with pytest.raises(NotOpened):
        first_concept.first_test(as_known(smollm2))
    assert len(asked) == 2
    assert len(set(asked)) == 1
    shipped = [key for key, value in json.loads(BUNDLED.read_text()).items() if "results" in value]
    assert shipped in ([], asked[:1]), "the question has changed: run `make assets`"


def test_each_class_of_imagenet_can_be_chosen_by_its_name() -> None:
    names = imagenet_names()
    options = of_classes(names)
    assert [find_class(names, spec.removeprefix(CLASS)) for spec in options] == list(range(1000))
    assert len(set(options.values())) == 1000
    assert options["class:zebra"] == "zebra"
    assert options["class:134"] == "crane (134)"
    assert [as_class(typed) for typed in ("340", "zebra|horse", "class:zebra")] == [
        "class:340",
        "class:zebra|horse",
        "class:zebra",
    ]
    assert [target_name(spec) for spec in ("class:340", "class:tench, Tinca tinca|class:zebra")] == [
        "class 340",
        "tench − zebra",
    ]


def test_blanks_around_a_class_do_not_make_another_answer() -> None:
    typed = ("class:zebra ", " zebra", "class: zebra | horse ", "zebra |class:horse".replace("class:", ""))
    assert [as_class(spec) for spec in typed] == ["class:zebra", "class:zebra", *["class:zebra|horse"] * 2]


def test_a_choice_may_begin_with_a_dash() -> None:
    parser = argparse.ArgumentParser()
    tcav.add_arguments(parser)
    choices = Choices("smollm2", ("moods",), ("-|+", "--yes|no"), "asked", (), (1,), mark="-: ")
    args = parser.parse_args(choices.arguments()[1:])
    assert (args.target, args.mark) == (["-|+", "--yes|no"], "-: ")
