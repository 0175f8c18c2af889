"""What was computed from activations, kept under a key that hashes everything it depends on: JSON, or arrays."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

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


def read_arrays(key: str) -> dict[str, np.ndarray] | None:
    """The arrays under `key`, or None if there are none or their file is damaged."""
    try:
        return dict(safetensors.numpy.load(workspace.place("results", f"{key}.safetensors").read_bytes()))
    except (FileNotFoundError, safetensors.SafetensorError):
        return None


def write_arrays(key: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Keep numpy arrays under `key`, atomically."""
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    workspace.write_bytes(workspace.place("results", f"{key}.safetensors"), safetensors.numpy.save(whole))


@cache
def _bundled() -> dict[str, dict[str, Any]]:
    return workspace.read_json(BUNDLED) or {}
