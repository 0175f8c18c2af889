"""Safetensors files that may come from anywhere: looked at before they are loaded."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors
import torch
from torch import Tensor

from core.dictionaries.sae.config import Unfit

LARGEST = 64 << 30  # bytes of a weights file
LONGEST_HEADER = 1 << 20  # bytes; a dozen tensors need a thousand
FLOATS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
BLOCK = 4 << 20  # bytes of a file that are looked at together

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class Stored:
    """Tensors of a file. digest: `digest_of` them, where all are left in the file, which was then read once for it;
    else ''."""

    tensors: dict[str, Tensor]
    digest: str = ""


def read_tensors(
    path: Path, check: Callable[[Shapes], None], dtype: torch.dtype | None = torch.float32, *, mapped: bool = False
) -> Stored:
    """All tensors of a file, in `dtype` (None: as they are stored), on the CPU.

    check: is given all shapes before anything is loaded, and raises Unfit if they are not what they should be. mapped:
    leave what needs no other precision where it lies in the file: only for files that are never written into, as those
    in the workspace, which are replaced whole. Nothing of it is in memory until it is used.
    Raises Unfit for a file that is damaged, holds no floating-point numbers, or holds NaN or infinite ones.
    """
    before = _state(path)
    size = path.stat().st_size
    if size > LARGEST:
        raise Unfit(f"{path.name} is larger than {LARGEST >> 30} GB")
    with path.open("rb") as file:
        head = file.read(8)
    if len(head) < 8 or struct.unpack("<Q", head)[0] > min(LONGEST_HEADER, size):
        raise Unfit(f"{path.name} is no safetensors file, or was cut short")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            names = list(file.keys())
            shapes = {}
            for name in names:
                described = file.get_slice(name)
                kind, shape = described.get_dtype(), tuple(described.get_shape())
                if kind not in FLOATS:
                    raise Unfit(f"its tensor {name[:40]!r} holds {kind}, not floating-point numbers")
                shapes[name] = shape
            check(shapes)
            stored = {name: file.get_tensor(name) for name in names}
            left = mapped and all(dtype in (None, tensor.dtype) for tensor in stored.values())
            # Copied out of the memory map: somebody else's file may be written into while its dictionary is in use.
            found = stored if left else {name: _taken(tensor, dtype, mapped) for name, tensor in stored.items()}
    except (safetensors.SafetensorError, ValueError, OSError, RuntimeError) as error:
        if isinstance(error, Unfit):
            raise
        raise Unfit(f"{path.name} is damaged ({str(error).splitlines()[0][:120]})") from None
    if left:
        digest = _digest_in_file(path, found)
        if _state(path) != before:
            raise Unfit(f"{path.name} was changed while it was read")
        return Stored(found, digest)
    for name, tensor in found.items():
        if not _finite(tensor):
            raise _not_finite(name)
    return Stored(found)


def _digest_in_file(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """`digest_of` tensors that lie in this file, read from it block by block; raises Unfit for what is not finite.

    Not through the memory map, whose pages would stay: a dictionary's decoder is looked at here and then hardly ever.
    """
    sha, buffer = hashlib.sha256(), bytearray(BLOCK)
    with path.open("rb", buffering=0) as file:
        header = struct.unpack("<Q", file.read(8))[0]
        places = json.loads(file.read(header))
        for name, tensor in sorted(tensors.items()):
            sha.update(name.encode())
            start, end = places[name]["data_offsets"]
            file.seek(8 + header + start)
            while start < end:
                size = file.readinto(memoryview(buffer)[: min(BLOCK, end - start)])
                size -= size % tensor.element_size()
                if size <= 0:
                    raise Unfit(f"{path.name} was cut short")
                sha.update(memoryview(buffer)[:size])
                if not _finite(torch.frombuffer(buffer, dtype=tensor.dtype, count=size // tensor.element_size())):
                    raise _not_finite(name)
                start += size
                file.seek(8 + header + start)
    return sha.hexdigest()


def _state(path: Path) -> tuple[int, int, int]:
    found: os.stat_result = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _not_finite(name: str) -> Unfit:
    return Unfit(f"its {name} holds NaN or infinite values")


def _taken(tensor: Tensor, dtype: torch.dtype | None, mapped: bool) -> Tensor:
    wanted = tensor if dtype is None else tensor.to(dtype)  # another precision is a copy already
    return wanted.clone() if wanted is tensor and not mapped else wanted


def _finite(tensor: Tensor) -> bool:
    """By the smallest and the largest value, which are NaN if any is: no mask as large as the tensor is made."""
    return tensor.numel() == 0 or all(bool(end.isfinite()) for end in tensor.aminmax())
