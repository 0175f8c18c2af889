"""The concept as a direction: made once from its examples, and kept, so that looking does not open the model."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.activations import read_result, write_result
from core.concept.question import Question
from core.directions import Direction, finder_named, make_direction
from core.models import AnyModel, opened
from core.probing.asking import key_of
from core.progress import Listener, silent

VERSION = 1
NAMES = {"diffmean": "this concept", "logistic": "its probe"}  # as they stand on an axis


def known_direction(model: AnyModel, question: Question, method: str) -> Direction | None:
    """The direction at the question's layer if it was made before."""
    value = read_result(direction_key(model, question, method))
    return None if value is None else _direction(value)


def direction_of(model: AnyModel, question: Question, method: str, progress: Listener = silent) -> Direction:
    """The direction at the question's layer that `method`, a finder's name, makes of the examples."""
    found = known_direction(model, question, method)
    if found is None:
        site, rows = model.site(question.layer), question.sizes.rows
        name = NAMES[method].replace(" ", "-")
        found = make_direction(opened(model), question.texts, site, method, name=name, limit=rows, progress=progress)
        write_result(direction_key(model, question, method), _plain(found))
    return found


def direction_key(model: AnyModel, question: Question, method: str) -> str:
    """Hashes all that decides the direction; in the key of whatever is measured along it."""
    return key_of(
        model,
        question.texts,
        [model.site(question.layer)],
        pool="mean",
        max_length=256,
        result="direction of a concept",
        version=VERSION,
        method=finder_named(method).to_json(),
    )


def _plain(direction: Direction) -> dict[str, Any]:
    kept = {name: value for name, value in vars(direction).items() if name != "vector"}
    return kept | {"vector": [float(value) for value in direction.vector]}


def _direction(value: dict[str, Any]) -> Direction:
    return Direction(**value | {"vector": np.array(value["vector"], dtype=np.float32)})
