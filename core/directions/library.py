"""The saved directions: one safetensors file each, the manifest in its metadata, so that the two cannot part.

`directions/<name>.safetensors` in the workspace holds one tensor, `vector`, and under the metadata key
`conceptscope` the manifest as JSON. The file's name is the direction's name.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from core import workspace
from core.directions.direction import Direction
from core.errors import UserError

FORMAT = "direction/1"
LARGEST = 16 << 20  # bytes; a vector of a million dimensions is 4 MB
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "model_id": str,
    "model_fingerprint": str,
    "site": str,
    "layer": int,
    "raw_norm": (int, float),
    "method": str,
    "provenance": dict,
}


def save_direction(direction: Direction, *, replace: bool = True) -> Path:
    """Write `direction` to the library, atomically. A direction of that name is replaced, or with replace=False kept.

    Raises UserError for a name that cannot be a file's name, or one that is taken and not to be replaced.
    """
    path = _path(direction.name)
    if not replace and path.exists():
        raise UserError(f"There is a direction called {direction.name!r} already: choose another name, or delete it.")
    manifest = {name: getattr(direction, name) for name in _FIELDS}
    text = json.dumps({"format": FORMAT, **manifest}, ensure_ascii=True, allow_nan=False)
    vector = np.ascontiguousarray(direction.vector, dtype=np.float32)
    workspace.write_bytes(path, safetensors.numpy.save({"vector": vector}, metadata={"conceptscope": text}))
    return path


def load_direction(name: str) -> Direction:
    """The saved direction of that name.

    Raises UserError if there is none, or if the file is damaged or not what `save_direction` writes.
    """
    path = _path(name)
    if not path.is_file():
        saved = ", ".join(_names()) or "none yet"
        raise UserError(f"There is no direction called {name!r}; saved are: {saved}.")
    try:
        return _read(path)
    except (safetensors.SafetensorError, _Unfit) as error:
        raise UserError(
            f"{path} is not a direction of ours ({error}): delete it and make the direction anew."
        ) from None


def list_directions() -> list[Direction]:
    """All sound directions, by name. Files that are not sound are passed over; `load_direction` says why."""
    found = []
    for name in _names():
        try:
            found.append(load_direction(name))
        except UserError:
            continue  # one bad file must not hide the others
    return found


def delete_direction(name: str) -> None:
    """Remove a saved direction, sound or not. Raises UserError if there is none of that name."""
    path = _path(name)
    if not path.exists():
        raise UserError(f"There is no direction called {name!r} to delete.")
    path.unlink()
    workspace.sync_directory(path.parent)


def rename_direction(old: str, new: str) -> Direction:
    """Give a saved direction another name, which must be free. A crash in between leaves both names, never neither."""
    direction = load_direction(old)
    renamed = Direction(**{**vars(direction), "name": new})
    save_direction(renamed, replace=False)
    delete_direction(old)
    return renamed


class _Unfit(ValueError):
    """What is wrong with a file, in a few words."""


def _path(name: str) -> Path:
    return workspace.place("directions", f"{workspace.checked_name(name)}.safetensors")


def _names() -> list[str]:
    folder = workspace.place("directions", "x").parent
    return sorted(path.name.removesuffix(".safetensors") for path in folder.glob("[!.]*.safetensors"))


def _read(path: Path) -> Direction:
    if path.stat().st_size > LARGEST:
        raise _Unfit(f"it is larger than {LARGEST >> 20} MB")
    with safetensors.safe_open(path, framework="numpy") as file:
        metadata, names = file.metadata() or {}, list(file.keys())
        if names != ["vector"]:
            raise _Unfit(f"it holds the tensors {names}, not one called 'vector'")
        described = file.get_slice("vector")
        dtype, shape = described.get_dtype(), described.get_shape()
        if dtype != "F32" or len(shape) != 1 or shape[0] < 1:
            raise _Unfit(f"its vector is {dtype} {shape}, not F32 of one axis")
        vector = file.get_tensor("vector")
    manifest = _manifest(metadata.get("conceptscope"))
    if not np.isfinite(vector).all():
        raise _Unfit("its vector holds NaN or infinite values")
    if abs(float(np.linalg.norm(vector.astype(np.float64))) - 1) > 1e-3:
        raise _Unfit("its vector is not of length 1")
    name = path.name.removesuffix(".safetensors")
    return Direction(name=name, vector=vector, **{field: manifest[field] for field in _FIELDS})


def _manifest(text: str | None) -> dict[str, Any]:
    if text is None:
        raise _Unfit("it has no manifest")
    try:
        manifest = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise _Unfit("its manifest is not JSON") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise _Unfit(f"its manifest is not of the format {FORMAT}")
    for field, kind in _FIELDS.items():
        value = manifest.get(field)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise _Unfit(f"its manifest has no sound {field!r}")
    if manifest["layer"] < 0 or not 0 < manifest["raw_norm"] < float("inf"):
        raise _Unfit("its layer or raw norm is out of range")
    held_out = manifest["provenance"].get("held_out", {})
    auroc = held_out.get("auroc") if isinstance(held_out, dict) else "none"
    if auroc is not None and not (isinstance(auroc, int | float) and 0 <= auroc <= 1):
        raise _Unfit("its held-out AUROC is not a number from 0 to 1")
    return manifest


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
