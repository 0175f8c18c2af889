"""The family of training methods: a new one is a class with a line here."""

from __future__ import annotations

from core.dictionaries.training.dense import Gated, JumpReLU, Standard
from core.dictionaries.training.method import Method
from core.dictionaries.training.topk import BatchTopK, Matryoshka, TopAfa, TopK
from core.errors import UserError

METHODS: dict[str, Method] = {
    method.name: method for method in (TopK(), BatchTopK(), Matryoshka(), JumpReLU(), Gated(), Standard(), TopAfa())
}


def method_named(name: str) -> Method:
    """The method called `name`, with its default parameters. Raises UserError if there is none."""
    if name not in METHODS:
        raise UserError(f"There is no training method {name!r}; there are {', '.join(METHODS)}.")
    return METHODS[name]
