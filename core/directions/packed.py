"""Our file of one direction: safetensors, the manifest in its metadata, so that vector and manifest cannot part.

It holds one tensor, `vector` (width,) float32 of length 1, and under the metadata key `conceptscope` the manifest as
JSON. The direction's name is that of the file.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from core.directions.direction import Direction

FORMAT = "direction/1"
LARGEST = 16 << 20  # bytes; a vector of a million dimensions is 4 MB
LONGEST_HEADER = 4 << 20  # bytes
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "model_id": str,
    "model_fingerprint": str,
    "site": str,
    "layer": int,
    "raw_norm": (int, float),
    "method": str,
    "provenance": dict,
}


class Unfit(ValueError):
    """What is wrong with a file, in a few words."""


def pack(direction: Direction) -> bytes:
    """The file's bytes: the same for the same direction."""
    manifest = {name: getattr(direction, name) for name in _FIELDS}
    text = json.dumps({"format": FORMAT, **manifest}, ensure_ascii=True, allow_nan=False)
    vector = np.ascontiguousarray(direction.vector, dtype=np.float32)
    metadata = {"conceptscope": text, "sha256": _sha256(text, vector.tobytes())}
    return _in_order(safetensors.numpy.save({"vector": vector}, metadata=metadata))


def _in_order(data: bytes) -> bytes:
    """A safetensors file with its metadata by name; the library puts several in another order each time."""
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + data[start:]


def unpack(data: bytes, name: str) -> Direction:
    """The direction in a file's bytes, to be called `name`. Raises Unfit for anything that `pack` does not write."""
    tensors, metadata = opened(data)
    if (names := list(tensors)) != ["vector"]:
        raise Unfit(f"it holds the tensors {names[:5]}, not one called 'vector'")
    dtype, shape, values = tensors["vector"]
    if dtype != "F32" or len(shape) != 1 or shape[0] < 1:
        raise Unfit(f"its vector is {dtype} {shape}, not F32 of one axis")
    vector = np.frombuffer(values, dtype="<f4").astype(np.float32)
    manifest = _manifest(text := metadata.get("conceptscope"))
    if metadata.get("sha256", sound := _sha256(text or "", values)) != sound:
        raise Unfit("it was damaged: what it holds is not what its checksum says")
    if not np.isfinite(vector).all():
        raise Unfit("its vector holds NaN or infinite values")
    if abs(float(np.linalg.norm(vector.astype(np.float64))) - 1) > 1e-3:
        raise Unfit("its vector is not of length 1")
    return Direction(name=name, vector=vector, **{field: manifest[field] for field in _FIELDS})


def _sha256(text: str, vector: bytes) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass") + vector).hexdigest()


def opened(data: bytes) -> tuple[dict[str, tuple[str, list[int], bytes]], dict[str, str]]:
    """Dtype, shape and bytes of each tensor of a safetensors file, and its metadata. Raises Unfit if it is none."""
    size = int.from_bytes(data[:8], "little")
    if size > LONGEST_HEADER:
        raise Unfit(f"it is no safetensors file with a header of up to {LONGEST_HEADER >> 20} MB")
    try:
        found = safetensors.deserialize(data)
        metadata = json.loads(data[8 : 8 + size]).get("__metadata__") or {}
    except (safetensors.SafetensorError, ValueError, RecursionError) as error:
        raise Unfit(f"it is no safetensors file: {str(error)[:100]}") from None
    return {name: (of["dtype"], list(of["shape"]), bytes(of["data"])) for name, of in found}, metadata


def _manifest(text: str | None) -> dict[str, Any]:
    if text is None:
        raise Unfit("it has no manifest")
    try:
        manifest = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Unfit("its manifest is not JSON") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise Unfit(f"its manifest is not of the format {FORMAT}")
    for field, kind in _FIELDS.items():
        value = manifest.get(field)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise Unfit(f"its manifest has no sound {field!r}")
    if manifest["layer"] < 0 or not 0 < manifest["raw_norm"] < float("inf"):
        raise Unfit("its layer or raw norm is out of range")
    held_out = manifest["provenance"].get("held_out", {})
    auroc = held_out.get("auroc") if isinstance(held_out, dict) else "none"
    if auroc is not None and not (isinstance(auroc, int | float) and 0 <= auroc <= 1):
        raise Unfit("its held-out AUROC is not a number from 0 to 1")
    return manifest


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
