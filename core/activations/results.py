"""What was computed from activations, kept under a key that hashes everything it depends on: JSON, or arrays."""

from __future__ import annotations

import hashlib
import json
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
CHECK = "sha256"  # the array that holds the checksum of all others


def read_result(key: str) -> dict[str, Any] | None:
    """The result under `key` (see `workspace.digest`), or None."""
    value = workspace.read_json(workspace.found("results", f"{key}.json"))
    return value if isinstance(value, dict) else _bundled().get(key)


def write_result(key: str, value: dict[str, Any]) -> None:
    """Keep `value` (plain JSON) under `key`, atomically."""
    workspace.write_json(workspace.place("results", f"{key}.json"), value)


def read_arrays(key: str) -> dict[str, np.ndarray] | None:
    """The arrays under `key`, or None if there are none or their file is damaged."""
    try:
        found = dict(safetensors.numpy.load(workspace.found("results", f"{key}.safetensors").read_bytes()))
    except (FileNotFoundError, safetensors.SafetensorError, KeyError):  # KeyError: a kind of number that is none
        return None
    check = found.pop(CHECK, None)
    return found if check is not None and bytes(check) == _sha256(found) else None


def write_arrays(key: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Keep numpy arrays under `key`, atomically."""
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    whole[CHECK] = np.frombuffer(_sha256(whole), np.uint8)
    workspace.write_bytes(workspace.place("results", f"{key}.safetensors"), safetensors.numpy.save(whole))


def _sha256(arrays: Mapping[str, np.ndarray]) -> bytes:
    sha = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        sha.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        sha.update(array.tobytes())
    return sha.digest()


@cache
def _bundled() -> dict[str, dict[str, Any]]:
    return workspace.read_json(BUNDLED) or {}
