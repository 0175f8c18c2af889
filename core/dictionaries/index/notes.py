"""What people say of features: labels by hand, notes and bookmarks, kept in the workspace and undoable.

`notes/<dictionary's key>.json` holds every change in its order, so that each can be taken back. It belongs to the
dictionary and outlives its indexes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from core import spaces, workspace
from core.dictionaries.formats.beside import LONGEST
from core.errors import UserError
from core.locks import held

LONGEST_NOTE = 10_000  # characters
MOST = 100_000  # changes
FIELDS = ("label", "note", "bookmark", "score", "by")
BY = ("hand", "model")


@dataclass(frozen=True)
class Note:
    """label: at most 500 characters, '' for none. note: free text, at most 10,000. score: of the label, as measured
    when it was given (see `core.dictionaries.index.meaning`), or None. by: who wrote the label: a "hand", or a language
    "model" that was asked for it."""

    label: str = ""
    note: str = ""
    bookmark: bool = False
    score: float | None = None
    by: Literal["hand", "model"] = "hand"


def notes_of(dictionary_key: str) -> dict[int, Note]:
    """What is said of each feature of the dictionary with this key (`Dictionary.key`); nothing for a damaged file."""
    found: dict[int, Note] = {}
    many = bool(spaces.space())
    with spaces.within(""):  # what the shared library says, under what one says oneself
        shared = _changes(dictionary_key) if many else []
    for change in [*shared, *_changes(dictionary_key)]:
        found[change["feature"]] = replace(found.get(change["feature"], Note()), **change["now"])
    return {feature: note for feature, note in found.items() if replace(note, by="hand") != Note()}


def say(
    dictionary_key: str,
    feature: int,
    *,
    label: str | None = None,
    note: str | None = None,
    bookmark: bool | None = None,
    score: float | None = None,
    by: Literal["hand", "model"] = "hand",
) -> None:
    """Change what is said of a feature; None leaves a field as it is. A new label drops the old one's score.

    Raises UserError for texts that are too long.
    """
    if label is not None and len(label.strip()) > LONGEST:
        raise UserError(f"A label of {len(label):,} characters is too long; use {LONGEST} at the most.")
    if note is not None and len(note) > LONGEST_NOTE:
        raise UserError(f"A note of {len(note):,} characters is too long; use {LONGEST_NOTE:,} at the most.")
    now: dict[str, Any] = {}
    if label is not None:
        now |= {"label": label.strip(), "score": score, "by": by}
    if note is not None:
        now["note"] = note
    if bookmark is not None:
        now["bookmark"] = bookmark
    if not now:
        return
    with _locked(dictionary_key):
        changes = _whole(dictionary_key)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        changes.append({"feature": int(feature), "now": now, "at": at})
        _write(dictionary_key, changes[-MOST:])


def undo(dictionary_key: str, feature: int | None = None) -> int | None:
    """Take back the last change, or the last of one feature; returns whose it was, None if there is nothing."""
    with _locked(dictionary_key):
        changes = _whole(dictionary_key)
        for place in range(len(changes) - 1, -1, -1):
            if feature is None or changes[place]["feature"] == feature:
                found = int(changes.pop(place)["feature"])
                _write(dictionary_key, changes)
                return found
    return None


def _changes(key: str) -> list[dict[str, Any]]:
    value = workspace.read_json(_path(key))
    lines = value.get("changes") if isinstance(value, dict) else None
    return [line for line in lines if _is_sound(line)] if isinstance(lines, list) else []


def _whole(key: str) -> list[dict[str, Any]]:
    """All changes. Raises UserError for a file that is damaged, so that nothing is written over it."""
    path = _path(key)
    value = workspace.read_json(path)
    if path.exists() and not (isinstance(value, dict) and isinstance(value.get("changes"), list)):
        raise UserError(f"{path} is damaged, and new notes would replace it; mend it or move it away.")
    return _changes(key)


def _is_sound(line: Any) -> bool:
    if not isinstance(line, dict) or not isinstance(line.get("feature"), int) or line["feature"] < 0:
        return False
    now = line.get("now")
    kinds = {"label": str, "note": str, "bookmark": bool, "score": (float, int, type(None)), "by": str}
    if not isinstance(now, dict) or not set(now) <= set(FIELDS):
        return False
    fits = all(isinstance(value, kinds[name]) for name, value in now.items())  # type: ignore[arg-type]
    return (
        fits
        and now.get("by", "hand") in BY
        and len(now.get("label", "")) <= LONGEST
        and len(now.get("note", "")) <= LONGEST_NOTE
    )


def _write(key: str, changes: list[dict[str, Any]]) -> None:
    workspace.write_json(_path(key), {"format": 1, "changes": changes})


def _path(key: str) -> Path:
    return workspace.place("notes", f"{workspace.checked_name(key)}.json")


@contextmanager
def _locked(key: str) -> Iterator[None]:
    """Two sessions may write at once, and neither's words may be lost."""
    with held("locks", f"notes-{workspace.checked_name(key)}.lock"):
        yield
