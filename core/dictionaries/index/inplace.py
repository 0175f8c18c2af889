"""Arrays that are left where they lie in a file, so that only what is looked at takes memory."""

from __future__ import annotations

import json
import math
import mmap
from dataclasses import dataclass
from pathlib import Path

import numpy as np

KINDS = {
    "BOOL": np.bool_,
    "U8": np.uint8,
    "I8": np.int8,
    "U16": np.uint16,
    "I16": np.int16,
    "U32": np.uint32,
    "I32": np.int32,
    "U64": np.uint64,
    "I64": np.int64,
    "F16": np.float16,
    "F32": np.float32,
    "F64": np.float64,
}


@dataclass(frozen=True, eq=False)
class Left:
    """arrays: by name, read-only views into the file, which stay good when it is removed or replaced."""

    arrays: dict[str, np.ndarray]
    _file: mmap.mmap

    def rest(self) -> None:
        """Let go of the memory of what was looked at so far; what is looked at again is read again."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._file.madvise(mmap.MADV_DONTNEED)


def left_in(path: Path) -> Left:
    """The arrays of a sound safetensors file. Raises ValueError or KeyError for one that holds other kinds."""
    with path.open("rb") as file:
        whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    first = 8 + int.from_bytes(whole[:8], "little")
    arrays: dict[str, np.ndarray] = {}
    for name, entry in json.loads(whole[8:first]).items():
        if name != "__metadata__":
            kind, shape = KINDS[entry["dtype"]], entry["shape"]
            start, count = first + entry["data_offsets"][0], math.prod(shape)
            arrays[name] = (
                np.frombuffer(whole, kind, count, start).reshape(shape) if count else np.zeros(shape, dtype=kind)
            )
    return Left(arrays, whole)
