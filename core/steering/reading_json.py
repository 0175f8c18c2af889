"""Values out of JSON that somebody else wrote: what they should be, or a sentence that says what they are."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from math import inf
from typing import Any

from core import workspace
from core.errors import UserError


def parsed(text: str | bytes, what: str, *, largest: int) -> dict[str, Any]:
    """The JSON object in a text. `what` names it in sentences; largest: characters or bytes.

    What the program kept has to be what it wrote; what somebody brings without a checksum is taken as it is.
    """
    if len(text) > largest:
        raise UserError(f"{what} is longer than {largest:,} characters, which no recipe needs.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{what} is no JSON ({str(error)[:120]}); save a recipe again.") from None
    data = text.encode("utf-8", errors="surrogatepass") if isinstance(text, str) else text
    if (sound := workspace.json_value(data)) is None and value is not None:
        raise UserError(
            f"{what} is damaged, or was changed after it was saved; if the change was meant, take its line 'check' out."
        )
    return mapping(sound, what)


def mapping(value: Any, what: str, known: Collection[str] | None = None) -> dict[str, Any]:
    """A JSON object, with no other keys than `known`."""
    if not isinstance(value, Mapping):
        raise UserError(f"{what} has to be a JSON object, not {_said(value)}.")
    if known is not None and (strange := [key for key in value if key not in known]):
        raise UserError(
            f"{what} holds {str(strange[0])[:40]!r}, which is not known there; known are {', '.join(known)}."
        )
    return dict(value)


def text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise UserError(f"{what} has to be text, not {_said(value)}.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise UserError(f"{what} holds half a character, which no text does; write it again.")
    return value


def number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(f"{what} has to be a number, not {_said(value)}.")
    try:
        return float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return inf if value > 0 else -inf


def whole(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UserError(f"{what} has to be a whole number, not {_said(value)}.")
    return value


def items(value: Any, what: str, *, most: int) -> list[Any]:
    if not isinstance(value, list):
        raise UserError(f"{what} has to be a list, not {_said(value)}.")
    if len(value) > most:
        raise UserError(f"{what} holds {len(value):,} things; {most} are allowed.")
    return value


def _said(value: Any) -> str:
    return repr(value)[:40]
