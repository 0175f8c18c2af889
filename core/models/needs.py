"""How much memory a model takes, told from its config before anything is loaded.

Weights that are kept as they are stored are mapped from the file; others are converted one by one, and the file's pages
stay in sight beside them until the system wants them back. So there are two figures: what must be free, and the peak
that the process is seen to reach.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from core.errors import UserError
from core.models.device import DTYPES, choose_device, choose_dtype
from core.models.kinds import classifies_texts, reads_images
from core.models.loading import UNREADABLE, reason
from core.models.quantised import QUANTISED, bytes_of, is_there, scheme_of
from core.models.source import Source, find_source, read_config
from core.models.spread import SPREAD

# Measured, with Python 3.11, torch 2.13 for processors and transformers 5.23: what stands in memory around the weights
# once a model is open, and what reading texts adds (a batch's activations, tokens, the allocator's reserve).
PROGRAM = 430 * 2**20
READING = 60 * 2**20
CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Needs:
    """Of a model on a device in a precision, all but the counts in bytes.

    parameters: how many. weights: of parameters and buffers. needed: what must be free to open it and read texts.
    peak: the largest resident size that the process is expected to show. free: on the device now. smaller: bytes
    needed in other precisions that would fit.
    """

    model: str
    device: str
    dtype: str
    parameters: int
    weights: int
    needed: int
    peak: int
    free: int
    smaller: Mapping[str, int]

    @property
    def fits(self) -> bool:
        return self.needed <= self.free


def needs_of(spec: str, *, device: str | None = None, dtype: str | None = None) -> Needs:
    """What `open_model` with these arguments would take.

    Raises UserError where the model cannot be found, or its kind cannot be built from a config.
    """
    source, there = find_source(spec), choose_device(device)
    quantised = dtype if dtype in QUANTISED else ""
    scheme_of(dtype)
    needs = _needs(source, there, choose_dtype(there, dtype), quantised)
    if device != SPREAD:
        return needs
    return replace(needs, device=SPREAD, free=sum(room().values()), smaller={})


def room() -> dict[int | str, int]:
    """Bytes that weights and activations can take now: of each GPU by number, and of memory ("cpu")."""
    gpus = range(torch.cuda.device_count())
    found: dict[int | str, int] = {number: _free(torch.device("cuda", number)) for number in gpus}
    return {**found, "cpu": max(0, _free(torch.device("cpu")) - PROGRAM - READING)}


def require_room(source: Source, device: torch.device, dtype: torch.dtype, quantised: str = "") -> None:
    """Raises UserError, with what would fit, where the model would take more than is free. Nothing is loaded.

    On its way to a GPU it takes memory first, but for weights in fewer bits, which are packed where they come to lie.
    """
    stored = _stored(source.directory)
    # At most four times the files (8 bits, to be computed in 32): most models are seen to fit without a second look.
    most = PROGRAM + READING + 4 * stored
    on_the_way = device.type == "cuda" and not quantised
    if source.gguf is not None or (most <= _free(device) and (not on_the_way or most <= _free(torch.device("cpu")))):
        return
    try:
        needs = _needs(source, device, dtype, quantised)
    except UserError:  # what cannot be built cannot be opened either: that says why
        return
    if needs.fits:
        if on_the_way:
            _require_memory(source, needs, stored)
        return
    told = f"{source.id} needs about {_size(needs.needed)} in {needs.dtype}, and {_size(needs.free)} are free"
    told += " on this machine" if device.type == "cpu" else f" on {device}"
    if needs.smaller:
        name, least = next(iter(needs.smaller.items()))
        raise UserError(f"{told}; in {name} it needs {_size(least)}: choose that precision (--dtype {name}).")
    raise UserError(f"{told}; no precision makes it fit, so choose a smaller model{_or_spread(source)}.")


def require_memory(source: Source, dtype: torch.dtype) -> None:
    """Raises UserError where the model, built in memory in `dtype` before it is brought elsewhere, does not fit."""
    memory = torch.device("cpu")
    stored = _stored(source.directory)
    if PROGRAM + READING + 4 * stored <= _free(memory):
        return
    try:
        needs = _needs(source, memory, dtype, "")
    except UserError:  # what cannot be built cannot be opened either: that says why
        return
    _require_memory(source, needs, stored)


def _require_memory(source: Source, needs: Needs, stored: int) -> None:
    wanted = PROGRAM + (needs.weights if _is_converted(needs.weights, stored) else 0)
    free = _free(torch.device("cpu"))
    if wanted > free:
        raise UserError(
            f"{source.id} needs about {_size(wanted)} of memory while it is opened, and {_size(free)} are free on this "
            f"machine; choose the precision that its weights are stored in, or a smaller model{_or_spread(source)}."
        )


def _or_spread(source: Source) -> str:
    """The other way out, which models of images do not have."""
    return "" if _for_images(source) else f", or --device {SPREAD}"


def _for_images(source: Source) -> bool:
    return reads_images(read_config(source.directory / "config.json"))


def _is_converted(weights: int, stored: int) -> bool:
    """Whether weights are not kept as they are stored, and so not mapped from their file."""
    return abs(stored - weights) > 0.05 * stored


def _needs(source: Source, device: torch.device, dtype: torch.dtype, quantised: str) -> Needs:
    if source.gguf is not None:
        raise UserError(f"{source.id} is a GGUF file, whose size in memory is not told beforehand.")
    parameters, per_dtype = _counted(source)
    stored, free = _stored(source.directory), _free(device)

    def needed(dtype: torch.dtype, quantised: str = "") -> int:
        program = 0 if device.type == "cuda" else PROGRAM  # libraries are not on the GPU
        return program + sum(per_dtype(dtype, quantised)) + READING

    weights, working = per_dtype(dtype, quantised)
    plain = {} if quantised else {name: (one, "") for name, one in DTYPES.items() if one.itemsize < dtype.itemsize}
    # Of those whose library is there; 4 bits are less than 8.
    packed = {name: (dtype, name) for name, one in QUANTISED.items() if is_there(one) and name != quantised != "int4"}
    if _for_images(source):
        packed = {}
    return Needs(
        model=source.id,
        device=str(device),
        dtype=quantised or _name(dtype),
        parameters=parameters,
        weights=weights,
        needed=needed(dtype, quantised),
        peak=PROGRAM + weights + working + READING + (stored if _is_converted(weights, stored) else 0),
        free=free,
        smaller={name: needed(*one) for name, one in (plain | packed).items() if needed(*one) <= free},
    )


def _counted(source: Source) -> tuple[int, Callable[[torch.dtype, str], tuple[int, int]]]:
    """How many parameters, and by precision the bytes of all weights and of what unpacking them takes.

    From a network that has shapes and no numbers.
    """
    from transformers import (
        AutoConfig,
        AutoModelForCausalLM,
        AutoModelForImageClassification,
        AutoModelForSequenceClassification,
    )

    own = read_config(source.directory / "config.json")
    kind: Any = AutoModelForSequenceClassification if classifies_texts(own) else AutoModelForCausalLM
    if _for_images(source):
        kind = AutoModelForImageClassification
    try:
        config = AutoConfig.from_pretrained(source.directory, trust_remote_code=False, local_files_only=True)
        with torch.device("meta"):
            network = kind.from_config(config, trust_remote_code=False)
    except UNREADABLE as error:
        raise UserError(f"{source.id} cannot be sized from its config: {reason(error)}") from error
    parameters = sum(one.numel() for one in network.parameters())
    buffers = sum(one.numel() * one.element_size() for one in network.buffers())

    def per_dtype(dtype: torch.dtype, quantised: str) -> tuple[int, int]:
        if quantised:
            return bytes_of(network, quantised, dtype)
        return parameters * dtype.itemsize + buffers, 0

    return parameters, per_dtype


def _stored(directory: Path) -> int:
    """Bytes of the weights' files."""
    return sum(path.stat().st_size for path in directory.glob("*.safetensors"))


def _free(device: torch.device) -> int:
    """Bytes that can be taken on the device now; of a processor's with what may be swapped out."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    import psutil

    there = int(psutil.virtual_memory().available + psutil.swap_memory().free)
    return min([there, *_left_in_group()])


def _left_in_group() -> list[int]:
    """What a container's limit leaves, where there is one: its pages of files can be taken back."""
    try:
        limit = (CGROUP / "memory.max").read_text().strip()
        used = int((CGROUP / "memory.current").read_text())
        cached = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
        return [] if limit == "max" else [int(limit) - used + int(cached.get("inactive_file", 0))]
    except (OSError, ValueError):
        return []


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:,.1f} GB"
