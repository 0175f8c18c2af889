"""A model over several places: layers on all GPUs, what does not fit there in memory, and what is left over on disk.

Where each layer lies is chosen by accelerate, whose hooks carry what flows from one device to the next, and bring
weights that lie in memory or on disk to the GPU (or the processor) for as long as they are multiplied. What lies on
disk is read from the model's own files at every pass. Torch is imported inside functions alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.errors import UserError

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from core.models.source import Source

# Not called auto, as transformers does: on pages and in help texts that is the word for what is chosen by itself.
SPREAD = "spread"
ELSEWHERE = ("cpu", "disk")  # where weights wait that are brought to another device to be multiplied
FREE = 0.9  # of each place: the rest is for activations

Places = Mapping[str, str | int]


def loading_options(places: Places | None, room: Mapping[int | str, int]) -> dict[str, Any]:
    """What `from_pretrained` takes.

    places: device ("cpu", "disk", a GPU's number) by module path, as accelerate's device maps; None: have them chosen.
    room: free bytes of each GPU, by number, and of "cpu".
    """
    if places is not None:
        return {"device_map": dict(places)}
    return {"device_map": "auto", "max_memory": {place: int(FREE * free) for place, free in room.items()}}


def check_spread(source: Source, places: Places | None, quantised: bool) -> None:
    """Raises UserError for what cannot be spread, and for places that this machine does not have."""
    from core.models.device import choose_device

    if source.gguf is not None:
        raise UserError(
            f"{source.id} is a GGUF file, which is opened in one place; choose a device for it, not {SPREAD}."
        )
    for place in sorted({str(place) for place in (places or {}).values()} - {*ELSEWHERE}):
        choose_device(f"cuda:{place}" if place.isdigit() else place)
    if quantised and "disk" in (places or {}).values():
        raise UserError(f"Weights of {source.id} in 8 or 4 bits cannot be left on disk; choose more memory for it.")


def check_loaded(source: Source, network: nn.Module, quantised: bool) -> None:
    """Raises UserError where weights came to lie in a place from which this model cannot be run."""
    found = places_of(network)
    if quantised and ("disk" in found.values() or (first_device(found).type != "cpu" and "cpu" in found.values())):
        raise UserError(
            f"{source.id} does not fit on the GPUs even so, and weights in 8 or 4 bits are not brought there from "
            "memory or disk; choose a plain precision (--dtype bfloat16), which can."
        )
    if source.adapter is not None and waits_elsewhere(network):
        raise UserError(
            f"{source.id} is an adapter, which cannot be put on a model of which a part waits in memory or on disk; "
            "merge it into its base model first."
        )


def places_of(network: nn.Module) -> dict[str, Any]:
    """Device by module path, as it was loaded; {} for a network in one place."""
    found = dict(getattr(network, "hf_device_map", None) or {})
    return found if len({str(place) for place in found.values()}) > 1 or "disk" in found.values() else {}


def waits_elsewhere(network: nn.Module) -> bool:
    """Whether some weights lie somewhere else than where they are multiplied."""
    found = places_of(network)
    first = str(first_device(found))
    return any(str(place) in ELSEWHERE and str(place) != first for place in found.values())


def first_device(places: Places) -> torch.device:
    """Where inputs go: the first GPU that holds a part, else the processor."""
    import torch

    return torch.device(next((place for place in places.values() if place not in ELSEWHERE), "cpu"))


def needs_a_copy(error: BaseException) -> bool:
    """Whether loading failed since weights on disk would have to be written anew, changed as they are when loaded."""
    return "offload_folder" in str(error)


def put_on(tensor: Tensor, like: Tensor) -> Tensor:
    """`tensor` on the device of `like`, as it is where it is there already."""
    return tensor if tensor.device == like.device else tensor.to(like.device)
