"""The user's own sets, kept in the workspace as `examples/<name>.jsonl`.

The first line is the manifest, the others are rows with `text`, `label`, `group` and, if there are any, `subgroup`.
One file, so that a set is replaced in one step and no manifest can speak of other rows.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core import workspace
from core.errors import UserError
from core.examples.examples import Examples, Info, make_examples
from core.examples.tables import HEADER_KEY
from core.spreadsheet import csv_text

_VERSION = 1
_KEPT_ASIDE = 20  # deleted sets that can still be brought back


def save_examples(examples: Examples, name: str, *, replace: bool = False) -> Examples:
    """Keep `examples` under `name`; returns them as `open_examples(name)` will give them.

    UserError if the name is taken and replace is False.
    """
    if exists(name) and not replace:
        raise UserError(f"There are saved examples called {name!r} already; choose another name or delete those.")
    kept = make_examples(
        name,
        name if examples.title == examples.id else examples.title,
        examples.texts,
        examples.labels.tolist(),
        source=examples.source,
        own_groups=[str(group) for group in examples.groups.tolist()],
        subgroups=examples.subgroups,
        subgroup_name=examples.subgroup_name,
        names=(examples.negative_name, examples.positive_name),
    )
    workspace.write_bytes(path_of(name), to_jsonl(kept))
    return kept


def to_jsonl(examples: Examples) -> bytes:
    """A set as a file that `open_examples` gives back exactly: the manifest in the first line, then a row a line."""
    manifest = {
        HEADER_KEY: _VERSION,
        "title": examples.title,
        "source": examples.source,
        "positives": examples.n_positives,
        "negatives": examples.n_negatives,
        "positive_name": examples.positive_name,
        "negative_name": examples.negative_name,
        "subgroup_name": examples.subgroup_name,
        "digest": examples.digest,
    }
    lines = [_checked(manifest), *(dict(zip(_columns(examples), row, strict=True)) for row in _rows(examples))]
    return ("\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n").encode()


def to_csv(examples: Examples) -> str:
    """A set as a table for a spreadsheet; texts that look like formulas are guarded, and so read back."""
    return csv_text(_columns(examples), _rows(examples))


def _columns(examples: Examples) -> list[str]:
    return ["text", "label", "group", *(["subgroup"] if examples.subgroups is not None else [])]


def _rows(examples: Examples) -> Iterator[tuple[str | int, ...]]:
    kinds = [()] * len(examples) if examples.subgroups is None else [(kind,) for kind in examples.subgroups]
    columns = (examples.texts, examples.labels.tolist(), map(str, examples.groups.tolist()), kinds)
    for text, label, group, kind in zip(*columns, strict=True):
        yield text, label, group, *kind


def open_saved(name: str, *, limit: int | None = None) -> Examples:
    """The saved set `name`, cut to `limit` rows; UserError if its file was damaged."""
    if not exists(name):
        raise UserError(f"There are no saved examples called {name!r}.")
    manifest, *lines = found_path(name).read_bytes().split(b"\n")
    try:
        head, rows = json.loads(manifest), [json.loads(line) for line in lines if line]
        texts, labels = [row["text"] for row in rows], [row["label"] for row in rows]
        groups = [row["group"] for row in rows]
        made = {
            "source": head["source"],
            "own_groups": groups,
            "subgroups": [row["subgroup"] for row in rows] if "subgroup" in rows[0] else None,
            "subgroup_name": head.get("subgroup_name", "subgroup"),
            "names": (head["negative_name"], head["positive_name"]),
        }
        whole = make_examples(name, head["title"], texts, labels, **made)
        sound = whole.digest == head["digest"] and _is_sound(head)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        sound = False
    if not sound:
        raise UserError(
            f"The saved examples {name!r} are damaged ({found_path(name)}); delete them and save them again."
        )
    return whole if limit is None else make_examples(name, head["title"], texts, labels, limit=limit, **made)


def list_saved() -> list[Info]:
    """One line for each saved set, by name; a file whose first line cannot be read is left out."""
    infos = []
    for path in workspace.listed("examples", "[!.]*.jsonl"):
        head = _manifest(path)
        if head is None:
            continue
        infos.append(
            Info(
                id=path.name.removesuffix(".jsonl"),
                title=head["title"],
                subject="saved",
                positives=head["positives"],
                negatives=head["negatives"],
                source=head["source"],
                positive_name=head["positive_name"],
                negative_name=head["negative_name"],
            )
        )
    return infos


def exists(name: str) -> bool:
    """Whether a set is saved under `name`; False too for what cannot be a name."""
    try:
        return found_path(name).is_file()
    except UserError:
        return False


def rename_examples(name: str, new: str) -> None:
    """Call the saved set `name` by another name. UserError if that is taken."""
    _check_there(name)
    if exists(new):
        raise UserError(f"There are saved examples called {new!r} already; choose another name or delete those.")
    head = _manifest(path_of(name))
    if head is not None and head["title"] == name:  # it had no title but its name
        rows = path_of(name).read_bytes().partition(b"\n")[2]
        first = json.dumps(_checked({**head, "title": new}), ensure_ascii=False).encode()
        workspace.write_bytes(path_of(new), first + b"\n" + rows)
        path_of(name).unlink()
    else:
        path_of(name).replace(path_of(new))
    workspace.sync_directory(path_of(new).parent)


def delete_examples(name: str) -> None:
    """Put the saved set `name` aside; `restore_examples` brings it back until another of that name is deleted."""
    _check_there(name)
    path_of(name).replace(_aside(name))
    with contextlib.suppress(OSError):
        os.utime(_aside(name))  # when it was deleted: it still had the time at which it was saved
    workspace.sync_directory(path_of(name).parent)
    deleted = sorted(_aside(name).parent.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    for path in deleted[:-_KEPT_ASIDE]:
        if path != _aside(name):  # a clock that was set back makes it look old
            path.unlink(missing_ok=True)


def restore_examples(name: str) -> None:
    """Bring the set `name` back that was deleted last. UserError if there is none, or if the name is taken again."""
    if exists(name):
        raise UserError(f"There are saved examples called {name!r} again; rename those first.")
    try:
        _aside(name).replace(path_of(name))
    except FileNotFoundError:
        raise UserError(f"No deleted examples called {name!r} are left.") from None


def _check_there(name: str) -> None:
    if not exists(name):
        raise UserError(f"There are no saved examples called {name!r}.")
    workspace.require_own(name, "examples", f"{name}.jsonl")


def _aside(name: str) -> Path:
    return workspace.place("examples", "deleted", workspace.checked_name(name) + ".jsonl")


def path_of(name: str) -> Path:
    """Where the saved set `name` of one's own lies, or would lie."""
    return workspace.place("examples", workspace.checked_name(name) + ".jsonl")


def found_path(name: str) -> Path:
    """Where the saved set `name` is to be read: one's own, else that of the shared library."""
    return workspace.found("examples", workspace.checked_name(name) + ".jsonl")


def _manifest(path: Path) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            head = json.loads(file.readline())
        keys = {"title", "positives", "negatives", "source", "positive_name", "negative_name"}
        return head if isinstance(head, dict) and keys <= head.keys() and _is_sound(head) else None
    except (OSError, ValueError, RecursionError):  # a NaN has no digest
        return None


def _checked(head: dict[str, Any]) -> dict[str, Any]:
    """A manifest with the checksum of itself; its digest is of the rows."""
    told = {key: value for key, value in head.items() if key != "check"}
    return {**told, "check": workspace.digest(told)}


def _is_sound(head: dict[str, Any]) -> bool:
    """Whether a manifest is what was written; one without a checksum is taken as it is."""
    told = {key: value for key, value in head.items() if key != "check"}
    return head.get("check", sound := workspace.digest(told)) == sound
