"""Results as plain JSON and back, by their declared types."""

from __future__ import annotations

import dataclasses
import types
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_plain(result: Any) -> dict[str, Any]:
    """A frozen dataclass of numbers, words, tuples and such dataclasses as JSON values; tuples become lists."""
    return {field.name: _plain(getattr(result, field.name)) for field in dataclasses.fields(result)}


def from_plain(kind: type[T], value: dict[str, Any]) -> T:
    """The reverse of `to_plain`."""
    hints = get_type_hints(kind)
    return kind(**{name: _typed(hints[name], value[name]) for name in value})


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_plain(value)
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value


def _typed(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if get_origin(kind) in (Union, types.UnionType):
        return _typed(next(one for one in get_args(kind) if one is not type(None)), value)
    if get_origin(kind) is tuple:
        of = get_args(kind)
        kinds = [of[0]] * len(value) if of[1:] == (...,) else of
        return tuple(_typed(one, entry) for one, entry in zip(kinds, value, strict=True))
    return from_plain(cast(type, kind), value) if isinstance(value, dict) and dataclasses.is_dataclass(kind) else value
