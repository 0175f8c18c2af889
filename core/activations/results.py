"""What was computed from activations, kept as JSON under a key that hashes everything it depends on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core import workspace

# Results that ship with the project, made by `make assets`; looked at after the workspace, never written here.
BUNDLED = Path(__file__).parents[2] / "assets" / "results"


def read_result(key: str) -> dict[str, Any] | None:
    """The result under `key` (see `workspace.digest`), or None."""
    for path in (workspace.place("results", f"{key}.json"), BUNDLED / f"{key}.json"):
        if isinstance(value := workspace.read_json(path), dict):
            return value
    return None


def write_result(key: str, value: dict[str, Any]) -> None:
    """Keep `value` (plain JSON) under `key`, atomically."""
    workspace.write_json(workspace.place("results", f"{key}.json"), value)
