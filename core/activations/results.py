"""What was computed from activations, kept as JSON under a key that hashes everything it depends on."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from core import workspace

# Results that ship with the project, by key; made by `make assets`, looked at after the workspace.
BUNDLED = Path(__file__).parents[2] / "assets" / "results.json"


def read_result(key: str) -> dict[str, Any] | None:
    """The result under `key` (see `workspace.digest`), or None."""
    value = workspace.read_json(workspace.place("results", f"{key}.json"))
    return value if isinstance(value, dict) else _bundled().get(key)


def write_result(key: str, value: dict[str, Any]) -> None:
    """Keep `value` (plain JSON) under `key`, atomically."""
    workspace.write_json(workspace.place("results", f"{key}.json"), value)


@cache
def _bundled() -> dict[str, dict[str, Any]]:
    return workspace.read_json(BUNDLED) or {}
