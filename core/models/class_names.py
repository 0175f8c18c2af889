"""Names of a classifier's classes: where they come from, and finding a class by name."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from core import workspace
from core.errors import UserError

# The 1,000 classes of ILSVRC 2012 in their usual order, which is that of their WordNet numbers: number, tab, words.
# The words are those that WordNet 3.0 gives for these numbers (Copyright 2006 by Princeton University).
_IMAGENET = Path(__file__).with_name("imagenet.tsv")

MAX_BYTES = 5_000_000


@cache
def imagenet_names() -> tuple[str, ...]:
    """The 1,000 names, each a list of words such as `tench, Tinca tinca`."""
    lines = _IMAGENET.read_text(encoding="utf-8").splitlines()
    return tuple(line.split("\t")[1] for line in lines)


def names_of_config(id2label: Mapping[object, object] | None, classes: int) -> tuple[str, ...]:
    """Names from a model's config; `class 7` where it has none worth showing (`LABEL_7`)."""
    found = {int(str(number)): str(name) for number, name in (id2label or {}).items() if str(number).isdigit()}
    names = (found.get(number, "").strip() for number in range(classes))
    return tuple(
        f"class {number}" if not name or re.fullmatch(r"LABEL_\d+", name) else name for number, name in enumerate(names)
    )


def read_names(path: Path, classes: int) -> tuple[str, ...]:
    """Names from a file: one a line in the order of the classes, or a JSON list, or a JSON object by number.

    Raises UserError if the file cannot be read or does not name exactly `classes` classes.
    """
    workspace.readable(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"{path} is too large for a list of names; use at most {MAX_BYTES / 1e6:.0f} MB.")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UserError(f"The file of class names {path} cannot be read: {reason}.") from None
    names = _of_json(path, text) if path.suffix.lower() == ".json" else [line.strip() for line in text.splitlines()]
    while names and not names[-1]:
        names.pop()
    if len(names) != classes or not all(names):
        raise UserError(f"{path} names {len([name for name in names if name])} classes; this model has {classes}.")
    return tuple(names)


def _of_json(path: Path, text: str) -> list[str]:
    try:
        value = json.loads(text)
        if isinstance(value, dict):
            value = [value[str(number)] for number in range(len(value))]
        return [str(name).strip() for name in value]
    except (ValueError, KeyError, TypeError):
        raise UserError(f'{path} must hold a list of names, or an object such as {{"0": "zebra"}}.') from None


def find_class(names: Sequence[str], wanted: str) -> int:
    """The number of the class called `wanted`: a number, a whole name, or one of the words of a name.

    The first word of a name counts before the others (`panda` is among the words of two classes). Raises UserError if
    there is no such class, or several.
    """
    wanted = wanted.strip()
    if wanted.isascii() and wanted.isdigit():
        if int(wanted) >= len(names):
            raise UserError(f"There is no class {wanted}: the classes are 0 to {len(names) - 1}.")
        return int(wanted)
    words = [[word.strip().casefold() for word in name.split(",")] for name in names]
    sought = wanted.casefold()
    for found in (
        [number for number, name in enumerate(names) if name.casefold() == sought],
        [number for number, of_one in enumerate(words) if of_one[0] == sought],
        [number for number, of_one in enumerate(words) if sought in of_one],
    ):
        if len(found) > 1:
            raise UserError(f"Classes {', '.join(map(str, found))} are all called {wanted!r}; give the number of one.")
        if found:
            return found[0]
    near = difflib.get_close_matches(sought, sorted({word for of_one in words for word in of_one}), n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"give a number from 0 to {len(names) - 1}."
    raise UserError(f"This model has no class called {wanted!r}; {hint}")
