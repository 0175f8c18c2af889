"""Every way of making a direction: the finders on labelled examples, and those that take something else."""

from __future__ import annotations

from core.directions.difference import ModelDifference
from core.directions.method import Method
from core.directions.observable import Observable
from core.directions.table import FINDERS
from core.errors import UserError

METHODS: dict[str, Method] = {**FINDERS, **{method.name: method for method in (Observable(), ModelDifference())}}


def method_named(name: str) -> Method:
    """The method called `name`, with its default parameters. Raises UserError if there is none."""
    if name not in METHODS:
        raise UserError(f"There is no method {name!r}; there are {', '.join(METHODS)}.")
    return METHODS[name]
