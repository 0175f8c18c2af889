"""Weights kept in 8 or 4 bits, for models that fit into no other precision.

In both, only weights are rounded, row by row or in groups of 64; what flows through the network keeps the precision
that the device computes in. So a token's activations depend on nothing else in its batch, and gradients are those of
what was computed. (bitsandbytes' own 8 bits round activations too, with columns chosen over the whole batch: not used.)

Imports torch inside functions alone: keys are told without it (core/models/known.py).
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import UserError
from core.versions import release

if TYPE_CHECKING:
    import torch
    from torch import nn

GROUP = 64  # weights that share a scale, in 4 bits


@dataclass(frozen=True)
class Scheme:
    """One way to keep weights. library: the package that holds and multiplies them."""

    name: str
    title: str
    library: str


QUANTISED = {
    one.name: one
    for one in (
        Scheme("int8", "8 bits, one scale for each row", "torchao"),
        Scheme("int4", f"4 bits (NF4), one scale for each {GROUP} weights", "bitsandbytes"),
    )
}


def is_there(scheme: Scheme) -> bool:
    """Whether the library that this scheme needs is installed."""
    return importlib.util.find_spec(scheme.library) is not None


def scheme_of(dtype: str | None) -> str:
    """What stands in a fingerprint for weights that are kept so, such as `int8 torchao 0.18.0`; "" for plain ones.

    The library counts with its version, since it decides how weights are rounded. Raises UserError if it is not there.
    """
    if dtype not in QUANTISED:
        return ""
    scheme = QUANTISED[dtype]
    if not is_there(scheme):
        raise UserError(f"{dtype} needs {scheme.library}, which is not installed; run `make quantised`.")
    return f"{scheme.name} {scheme.library} {release(scheme.library)}"


def config_for(name: str, device: torch.device, dtype: torch.dtype) -> Any:
    """What `from_pretrained` takes as `quantization_config`. Raises UserError where the library or a way is missing."""
    scheme_of(name)
    if device.type not in ("cpu", "cuda"):
        raise UserError(f"{name} runs on cuda and cpu, not on {device.type}; choose one of them, or a plain precision.")
    if name == "int8":
        from torchao.quantization import Int8WeightOnlyConfig
        from transformers import TorchAoConfig

        return TorchAoConfig(Int8WeightOnlyConfig())
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)


def made_differentiable(network: nn.Module) -> None:
    """Keep bitsandbytes from repacking weights on processors with AVX512-BF16.

    At the first pass in eval mode it changes them to a form whose product has no derivative: gradients then come out
    wrong without a word (bitsandbytes 0.50.2; those of smollm2 were a hundredth of what they are).
    """
    for module in network.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False  # type: ignore[assignment]


def give_back_freed() -> None:
    """Hand back to the system what packing left behind: of small matrices glibc keeps as much as they were."""
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def check_quantised(network: nn.Module, id: str, name: str) -> None:
    """Raises UserError if no weight was put into fewer bits: a kind of network whose matrices are no linear layers."""
    if not any(_is_packed(parameter) for parameter in network.parameters()):
        raise UserError(f"{id} has no linear layers that can be kept in {name}; choose another precision.")


def _is_packed(parameter: Any) -> bool:
    """Whether it is a tensor of one of the libraries, not of torch."""
    return type(parameter).__module__.split(".")[0] in {scheme.library for scheme in QUANTISED.values()}


def bytes_of(network: nn.Module, name: str, dtype: torch.dtype) -> tuple[int, int]:
    """Bytes of parameters and buffers that `network` will have, and of its largest matrix while it is multiplied.

    network: with shapes and no numbers, as transformers builds it: what it leaves plain is left plain here.
    """
    packed = {id(weight): weight for weight in _weights(network, name)}
    plain = sum(one.numel() for one in network.parameters() if id(one) not in packed) * dtype.itemsize
    kept = sum(_bytes(weight, name, dtype) for weight in packed.values())
    buffers = sum(one.numel() * one.element_size() for one in network.buffers())
    largest = max((weight.numel() for weight in packed.values()), default=0) * dtype.itemsize
    return plain + kept + buffers, largest


def _bytes(weight: Any, name: str, dtype: torch.dtype) -> int:
    if name == "int8":
        return int(weight.numel() + weight.shape[0] * dtype.itemsize)
    return int(weight.numel() // 2 + 4 * -(-weight.numel() // GROUP))


def _weights(network: nn.Module, name: str) -> Iterator[Any]:
    """The matrices that the library will pack. 4 bits take GPT-2's Conv1D too, 8 bits linear layers alone."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D
    from transformers.quantizers.base import get_keys_to_not_convert

    left = tuple(get_keys_to_not_convert(network))
    kinds = (nn.Linear, Conv1D) if name == "int4" else (nn.Linear,)
    for path, module in network.named_modules():
        if isinstance(module, kinds) and not any(path == one or path.startswith(f"{one}.") for one in left):
            yield module.weight
