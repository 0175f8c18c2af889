"""Directions from files: our own, GGUF control vectors, and a vector alone in safetensors or CSV.

What a file is is told from its first bytes, never from its name. Nothing that can run code is read.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from core import workspace
from core.directions import control_vectors
from core.directions.direction import Direction, check_fits
from core.directions.packed import Unfit, opened, unpack
from core.errors import UserError

if TYPE_CHECKING:
    from core.models import Model

LARGEST = control_vectors.LARGEST  # bytes of a file
WIDEST = 1 << 20  # numbers of a vector in CSV
KINDS = "a safetensors file, a GGUF control vector or a CSV of numbers"
# First bytes of what is refused by name: pickles, and the zip and gzip files that hold them.
_REFUSED = {b"\x80": "a pickle", b"PK": "a zip archive (as torch.save writes)", b"\x1f\x8b": "a gzip file"}


@dataclass(frozen=True)
class Place:
    """Where vectors without a manifest belong. layer: None where a file says it itself."""

    model: Model
    layer: int | None = None
    kind: str = "after"


def import_directions(data: bytes, *, name: str, file: str, place: Place | None = None) -> list[Direction]:
    """The directions in a file's bytes, unsaved: one, or for a GGUF control vector one per layer.

    name: of the direction; several are called `NAME-L5` by their layers. file: its name, for the record. place: the
    model, layer and kind of site, which our own files bring along; if it is given for these too, they must fit.

    Raises UserError, in one sentence, for anything that is no direction.
    """
    workspace.checked_name(name)
    try:
        _refuse(data)
        if data.startswith(b"GGUF"):
            return _of_control_vector(data, name, file, place)
        if data[8:9] == b"{":
            return [_of_safetensors(data, name, file, place)]
        return [_made(_numbers(data), name, file, data, "csv", place)]
    except Unfit as reason:
        raise UserError(f"{file} cannot be read as {KINDS}: {reason}.") from None


def _refuse(data: bytes) -> None:
    if len(data) > LARGEST:
        raise Unfit(f"it is larger than {LARGEST >> 20} MB")
    if not data.strip():
        raise Unfit("it is empty")
    for start, what in _REFUSED.items():
        if data.startswith(start):
            raise Unfit(f"it is {what}, which is not opened here because it could run code; save the vector anew")


def _of_control_vector(data: bytes, name: str, file: str, place: Place | None) -> list[Direction]:
    found = control_vectors.read(data)
    if place is None:
        raise UserError(f"{file} does not say which model it is for; name it (--model).")
    if place.kind != "after":
        raise UserError(f"{file} is a control vector, which acts after blocks; leave the site at after.")
    chosen = {layer: v for layer, v in found.vectors.items() if place.layer in (None, layer)}
    if not chosen:
        there = ", ".join(map(str, sorted(found.vectors)))
        raise UserError(f"{file} has no vector for layer {place.layer}; it has some for {there}.")
    several = len(chosen) > 1
    return [
        _made(
            values,
            f"{name}-L{layer}" if several else name,
            file,
            data,
            "gguf",
            replace(place, layer=layer),
            {"model_hint": found.hint},
        )
        for layer, values in sorted(chosen.items())
    ]


def _of_safetensors(data: bytes, name: str, file: str, place: Place | None) -> Direction:
    tensors, metadata = opened(data)
    if "conceptscope" in metadata:
        direction = unpack(data, name)
        if place is not None:
            check_fits(direction, place.model)
            if place.layer not in (None, direction.layer):
                raise UserError(f"{file} says that it belongs to layer {direction.layer}, not to {place.layer}.")
        return direction
    if len(tensors) != 1:
        raise Unfit(f"it holds {len(tensors)} tensors, where one vector is expected")
    ((tensor, (dtype, shape, values)),) = tensors.items()
    if dtype not in _DTYPES or sum(size != 1 for size in shape) > 1:
        raise Unfit(f"its tensor {tensor[:40]!r} is {dtype} {shape}, not one vector of floating-point numbers")
    return _made(_DTYPES[dtype](values), name, file, data, "safetensors", place)


def _bfloat16(values: bytes) -> np.ndarray:
    """The upper halves of float32 numbers."""
    return (np.frombuffer(values, "<u2").astype("<u4") << 16).view("<f4")


_DTYPES: dict[str, Callable[[bytes], np.ndarray]] = {
    "F64": lambda values: np.frombuffer(values, "<f8"),
    "F32": lambda values: np.frombuffer(values, "<f4"),
    "F16": lambda values: np.frombuffer(values, "<f2"),
    "BF16": _bfloat16,
}


def _numbers(data: bytes) -> np.ndarray:
    """A vector from text: numbers in one line, one per line, or under a heading with their place before them."""
    if sum(map(data.count, (b",", b";", b"\t", b"\n", b"\r"))) > 2 * WIDEST + 2:  # before each becomes an object
        raise Unfit(f"it holds more than {WIDEST:,} numbers")
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise Unfit("it is neither of them nor UTF-8 text") from None
    rows = [[cell.strip() for cell in line.replace(";", ",").replace("\t", ",").split(",")] for line in lines]
    rows = [row for row in rows if any(row)]
    if rows and not all(map(_is_number, rows[0])):
        rows = rows[1:]  # a heading
    if not rows:
        raise Unfit("it holds no numbers")
    widths = {len(row) for row in rows}
    if len(rows) == 1:
        cells = rows[0]
    elif widths == {1}:
        cells = [row[0] for row in rows]
    elif widths == {2}:
        if [row[0] for row in rows] != [str(number) for number in range(len(rows))]:
            raise Unfit("its first column does not count the dimensions from 0")
        cells = [row[1] for row in rows]
    else:
        raise Unfit("it is no column of numbers, no line of numbers, and no two columns of dimension and value")
    strange = [cell for cell in cells if not _is_number(cell)]
    if strange:
        raise Unfit(f"{strange[0][:30]!r} is no number")
    return np.array([float(cell) for cell in cells])


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell)) and "_" not in cell
    except ValueError:
        return False


def _made(
    values: np.ndarray,
    name: str,
    file: str,
    data: bytes,
    format: str,
    place: Place | None,
    more: dict[str, Any] | None = None,
) -> Direction:
    """A direction from a bare vector; its length becomes the raw norm."""
    if place is None or place.layer is None:
        raise UserError(f"{file} does not say where its vector belongs; name the model and the layer.")
    model = place.model
    site = model.site(place.layer, place.kind)  # type: ignore[arg-type]  # refused there if there is no such kind
    vector = values.astype(np.float64).ravel()
    if not np.isfinite(vector).all():
        raise Unfit("its vector holds NaN or infinite values")
    if place.kind != "hidden" and len(vector) != model.width:
        raise UserError(f"{file} holds a vector of {len(vector)} numbers, and {model.id} has the width {model.width}.")
    raw_norm = float(np.linalg.norm(vector))
    if not 0 < raw_norm < math.inf:
        raise Unfit("its vector has no direction: its length is 0 or too large")
    return Direction(
        name=name,
        model_id=model.id,
        model_fingerprint=model.fingerprint,
        site=str(site),
        layer=site.layer,
        vector=(vector / raw_norm).astype(np.float32),
        raw_norm=raw_norm,
        method="imported",
        provenance={
            "origin": f"file {file}",
            "file": {"name": file, "format": format, "sha256": hashlib.sha256(data).hexdigest(), **(more or {})},
            "architecture": model.architecture,
            "held_out": {"auroc": None, "interval": None, "note": "Imported; how it reads was not measured."},
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )
