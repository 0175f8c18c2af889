"""Safetensors files that may come from anywhere: looked at before they are loaded."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import safetensors
import torch
from torch import Tensor

from core.dictionaries.sae.config import Unfit

LARGEST = 64 << 30  # bytes of a weights file
LONGEST_HEADER = 1 << 20  # bytes; a dozen tensors need a thousand
FLOATS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}

Shapes = Mapping[str, tuple[int, ...]]


def read_tensors(
    path: Path, check: Callable[[Shapes], None], dtype: torch.dtype | None = torch.float32, *, mapped: bool = False
) -> dict[str, Tensor]:
    """All tensors of a file, in `dtype` (None: as they are stored), on the CPU.

    check: is given all shapes before anything is loaded, and raises Unfit if they are not what they should be. mapped:
    leave what needs no other precision where it lies in the file: only for files that are never written into, as those
    in the workspace, which are replaced whole.
    Raises Unfit for a file that is damaged, holds no floating-point numbers, or holds NaN or infinite ones.
    """
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
            # Copied out of the memory map: somebody else's file may be written into while its dictionary is in use.
            found = {name: _taken(file.get_tensor(name), dtype, mapped) for name in names}
    except (safetensors.SafetensorError, ValueError, OSError, RuntimeError) as error:
        if isinstance(error, Unfit):
            raise
        raise Unfit(f"{path.name} is damaged ({str(error).splitlines()[0][:120]})") from None
    for name, tensor in found.items():
        if not _finite(tensor):
            raise Unfit(f"its {name} holds NaN or infinite values")
    return found


def _taken(tensor: Tensor, dtype: torch.dtype | None, mapped: bool) -> Tensor:
    wanted = tensor if dtype is None else tensor.to(dtype)  # another precision is a copy already
    return wanted.clone() if wanted is tensor and not mapped else wanted


def _finite(tensor: Tensor) -> bool:
    """By the smallest and the largest value, which are NaN if any is: no mask as large as the tensor is made."""
    return tensor.numel() == 0 or all(bool(end.isfinite()) for end in tensor.aminmax())
