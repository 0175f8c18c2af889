"""Where a model runs, and in which numbers."""

from __future__ import annotations

import torch

from core.errors import UserError
from core.models.quantised import QUANTISED
from core.models.spread import SPREAD

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(wanted: str | None = None) -> torch.device:
    """`wanted` if this machine has it, else UserError; without a wish, and for `spread`, cuda, mps or cpu in this
    order.

    Of a model that is spread it is where inputs go, and where what is read there comes out.
    """
    if wanted == SPREAD:
        wanted = None
    if wanted is not None:
        try:
            torch.device(wanted)
        except RuntimeError:
            raise UserError(f"There is no device {wanted!r} here; name cuda, mps, cpu or {SPREAD}.") from None
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted is None:
        return torch.device(next(name for name, there in available.items() if there))
    if not available.get(wanted.split(":")[0], False):
        there = ", ".join(name for name, is_there in available.items() if is_there)
        raise UserError(f"There is no device {wanted!r} here; there is {there}.")
    chosen = torch.device(wanted)
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise UserError(f"There is no device {wanted!r} here; there are {torch.cuda.device_count()} of its kind.")
    return chosen


def choose_dtype(device: torch.device, wanted: str | None = None) -> torch.dtype:
    """`wanted`, or what `device` computes well: float32 on CPU: exact, and on many processors the faster.

    For int8 and int4, which say how weights are kept, the numbers that are computed with: what the device does well.
    """
    if wanted is not None and wanted not in QUANTISED:
        if wanted not in DTYPES:
            raise UserError(f"There is no dtype {wanted!r}; there are {', '.join([*DTYPES, *QUANTISED])}.")
        return DTYPES[wanted]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.float16 if device.type == "mps" else torch.float32
