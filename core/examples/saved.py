"""The user's own sets, kept in the workspace as `examples/<name>.jsonl`.

The first line is the manifest, the others are rows with `text`, `label`, `group` and, if there are any, `subgroup`.
One file, so that a set is replaced in one step and no manifest can speak of other rows.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core import workspace
from core.errors import UserError
from core.examples.examples import Examples, Info, make_examples
from core.examples.tables import HEADER_KEY

_VERSION = 1


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
    manifest = {
        HEADER_KEY: _VERSION,
        "title": kept.title,
        "source": kept.source,
        "positives": kept.n_positives,
        "negatives": kept.n_negatives,
        "positive_name": kept.positive_name,
        "negative_name": kept.negative_name,
        "subgroup_name": kept.subgroup_name,
        "digest": kept.digest,
    }
    rows: list[dict[str, Any]] = [
        {"text": text, "label": label, "group": str(group)}
        for text, label, group in zip(kept.texts, kept.labels.tolist(), kept.groups.tolist(), strict=True)
    ]
    for row, kind in zip(rows, kept.subgroups or (), strict=False):
        row["subgroup"] = kind
    lines = [json.dumps(line, ensure_ascii=False) for line in [manifest, *rows]]
    workspace.write_bytes(_path(name), ("\n".join(lines) + "\n").encode())
    return kept


def open_saved(name: str, *, limit: int | None = None) -> Examples:
    """The saved set `name`, cut to `limit` rows; UserError if its file was damaged."""
    if not exists(name):
        raise UserError(f"There are no saved examples called {name!r}.")
    manifest, *lines = _path(name).read_bytes().split(b"\n")
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
        sound = whole.digest == head["digest"]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        sound = False
    if not sound:
        raise UserError(f"The saved examples {name!r} are damaged ({_path(name)}); delete them and save them again.")
    return whole if limit is None else make_examples(name, head["title"], texts, labels, limit=limit, **made)


def list_saved() -> list[Info]:
    """One line for each saved set, by name; a file whose first line cannot be read is left out."""
    infos = []
    for path in sorted(workspace.place("examples", "-").parent.glob("[!.]*.jsonl")):
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
        return _path(name).is_file()
    except UserError:
        return False


def delete_examples(name: str) -> None:
    """Forget the saved set `name`."""
    if not exists(name):
        raise UserError(f"There are no saved examples called {name!r}.")
    _path(name).unlink()


def _path(name: str) -> Path:
    return workspace.place("examples", workspace.checked_name(name) + ".jsonl")


def _manifest(path: Path) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            head = json.loads(file.readline())
    except (OSError, ValueError):
        return None
    keys = {"title", "positives", "negatives", "source", "positive_name", "negative_name"}
    return head if isinstance(head, dict) and keys <= head.keys() else None
