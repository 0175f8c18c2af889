"""Saved directions as files for other programs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.directions import control_vectors
from core.directions.control_vectors import ControlVector
from core.directions.direction import Direction, site_of
from core.directions.packed import pack
from core.errors import UserError
from core.progress import Listener, silent
from core.spreadsheet import csv_text

if TYPE_CHECKING:
    from core.models import Model


@dataclass(frozen=True)
class Format:
    """A kind of file. name: on the command line. suffix: of files. several: whether a file may hold many directions."""

    name: str
    title: str
    help: str
    suffix: str
    mime: str
    several: bool
    write: Callable[[Sequence[Direction], Sequence[float]], bytes]


def export(directions: Sequence[Direction], format: str, *, lengths: Sequence[float] | None = None) -> bytes:
    """The bytes of a file that holds `directions`.

    format: a key of FORMATS. lengths: what each unit vector is multiplied with, 1 by default. With 1 a strength in
    llama.cpp or repeng is our raw coefficient; with the typical norm of the site (`typical_lengths`) it is our dose.
    Our own format keeps unit vectors and takes no other length.

    Raises UserError for what the format cannot hold.
    """
    if format not in FORMATS:
        raise UserError(f"There is no format {format!r}; there are {', '.join(FORMATS)}.")
    chosen = FORMATS[format]
    if not directions:
        raise UserError("Name at least one direction to export.")
    if len(directions) > 1 and not chosen.several:
        raise UserError(f"A file of the format {format} holds one direction; export them one by one.")
    lengths = [1.0] * len(directions) if lengths is None else lengths
    if bad := [length for length in lengths if not 0 < length < float("inf")]:
        raise UserError(f"The exported vectors cannot have the length {bad[0]}; use a number above 0.")
    return chosen.write(directions, lengths)


def typical_lengths(model: Model, directions: Sequence[Direction], *, progress: Listener = silent) -> list[float]:
    """The typical norm of each direction's site, measured now where it is not known. All must be of `model`."""
    from core.activations import typical_norms

    sites = [site_of(model, direction) for direction in directions]
    norms = typical_norms(model, sites, progress=progress)
    return [norms[site].median for site in sites]


def layer_after(direction: Direction) -> int:
    """The block, counted from 0, right after which `direction` lies. UserError for any other site."""
    # A block is an element of a list, so that its module path ends with its number; what is inside a block goes on.
    if not re.fullmatch(rf"(.*\.)?{direction.layer} output", direction.site):
        raise UserError(
            f"{direction.name!r} lies at {direction.site}, and a control vector acts on the residual stream after a "
            "block: make the direction with --site after."
        )
    return direction.layer


def _gguf(directions: Sequence[Direction], lengths: Sequence[float]) -> bytes:
    first = directions[0]
    vectors: dict[int, np.ndarray] = {}
    for one, length in zip(directions, lengths, strict=True):
        layer = layer_after(one)
        if layer == 0:
            raise UserError(
                f"{one.name!r} lies after block 0, where llama.cpp has no control vector; make it at layer 1 or deeper."
            )
        if one.model_fingerprint != first.model_fingerprint:
            raise UserError(f"{first.name!r} and {one.name!r} are of different models and cannot share a file.")
        if layer in vectors:
            raise UserError(f"Two of the directions lie at layer {layer}; a control vector holds one for each layer.")
        vectors[layer] = one.vector * np.float32(length)
    hint = first.provenance.get("architecture")
    names = ", ".join(one.name for one in directions)
    return control_vectors.write(ControlVector(str(hint or first.model_id), vectors), title=names)


def _safetensors(directions: Sequence[Direction], lengths: Sequence[float]) -> bytes:
    if lengths[0] != 1:
        raise UserError("The format safetensors keeps unit vectors, with the raw norm beside; leave the length at 1.")
    return pack(directions[0])


def _csv(directions: Sequence[Direction], lengths: Sequence[float]) -> bytes:
    # A float32 is written as the shortest text that reads back as the same float32.
    values = directions[0].vector * np.float32(lengths[0])
    return csv_text(["dimension", "value"], list(enumerate(values))).encode()


FORMATS = {
    format.name: format
    for format in (
        Format(
            "gguf",
            "GGUF control vector",
            "For llama.cpp (--control-vector-scaled FILE:STRENGTH) and repeng.",
            ".gguf",
            "application/octet-stream",
            True,
            _gguf,
        ),
        Format(
            "safetensors",
            "safetensors",
            "With everything that is known of it; opens here again.",
            ".safetensors",
            "application/octet-stream",
            False,
            _safetensors,
        ),
        Format("csv", "CSV", "A line per dimension, for tables and notebooks.", ".csv", "text/csv", False, _csv),
    )
}
