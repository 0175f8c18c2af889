"""What was computed is told by a model that is only known; what was not is refused, and never computed unasked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.examples import Examples, from_lists
from core.models import AnyModel, KnownModel, Model, NotOpened, known_model, open_model
from core.probing import (
    cached_sweep,
    layer_choice,
    learning_curve,
    nonlinear_check,
    probe_details,
    sweep,
    transfer,
)
from tests.tiny import tiny_directory


@pytest.fixture
def model(home: Path, tmp_path: Path) -> Model:
    return open_model(str(tiny_directory(tmp_path, "llama")))


@pytest.fixture
def known(model: Model) -> KnownModel:
    found = known_model(model.id)
    assert found is not None
    return found


def warm(kind: str) -> Examples:
    return from_lists([f"The {kind} {i} is red." for i in range(12)], [f"The {kind} {i} is blue." for i in range(12)])


def test_a_sweep_is_read_by_what_is_known(model: Model, known: KnownModel) -> None:
    examples = warm("house")
    assert cached_sweep(known, examples, [0, 2]) is None
    found = sweep(model, examples, [0, 2])
    again = cached_sweep(known, examples, [0, 2])
    assert again is not None
    assert (again.results, again.baselines, again.best) == (found.results, found.baselines, found.best)
    assert cached_sweep(known, examples, [0, 1]) is None


QUESTIONS: dict[str, Callable[[AnyModel], Any]] = {
    "details": lambda model: probe_details(model, warm("house"), 1, "diffmean"),
    "learning curve": lambda model: learning_curve(model, warm("house"), 1, ["diffmean"]),
    "nonlinear check": lambda model: nonlinear_check(model, warm("house"), 1, method="diffmean"),
    "layer choice": lambda model: layer_choice(model, warm("house"), [0, 1], method="diffmean"),
    "transfer": lambda model: transfer(model, warm("house"), warm("car"), [1], ["diffmean"]),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_answered_from_what_was_computed_alone(
    model: Model, known: KnownModel, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.activations.reference.reference_texts", lambda: ["One short text.", "Another text."])
    ask = QUESTIONS[name]
    with pytest.raises(NotOpened, match="not computed before"):
        ask(known)
    assert ask(model) == ask(known)
