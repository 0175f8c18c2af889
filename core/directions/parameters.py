"""Parameters that describe themselves: pages and the command line build their controls from a frozen dataclass."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from core.errors import UserError

T = TypeVar("T")


@dataclass(frozen=True)
class Parameter:
    """One field of a method's dataclass: bounds are inclusive; `kind` is int or float."""

    name: str
    kind: type
    default: float
    low: float
    high: float
    help: str


def parameter(default: float, low: float, high: float, help: str) -> Any:
    """A dataclass field with inclusive bounds and one line of help; its type is that of `default`."""
    return dataclasses.field(default=default, metadata={"low": low, "high": high, "help": help})


def parameters(method: Any) -> list[Parameter]:
    """The parameters of a method: a dataclass, or an instance of one, whose fields were made by `parameter`."""
    found = []
    for field in dataclasses.fields(method):
        default: Any = field.default
        found.append(Parameter(name=field.name, kind=type(default), default=default, **field.metadata))
    return found


def with_parameters(method: T, values: Mapping[str, Any]) -> T:
    """`method` with some of its parameters replaced.

    Raises UserError for an unknown name, a value of the wrong type or one out of bounds.
    """
    known = {p.name: p for p in parameters(method)}
    checked: dict[str, float] = {}
    for name, value in values.items():
        if name not in known:
            offered = ", ".join(known) or "none"
            raise UserError(f"There is no parameter {name!r}; this method has: {offered}.")
        p = known[name]
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        fits = not isinstance(value, bool) and isinstance(value, int | float) and (p.kind is float or whole)
        if not fits or not p.low <= value <= p.high:
            sort = "a whole number" if p.kind is int else "a number"
            raise UserError(f"{name} must be {sort} from {p.low:g} to {p.high:g}, not {value!r}: {p.help}")
        checked[name] = p.kind(value)
    return dataclasses.replace(method, **checked)  # type: ignore[type-var]
