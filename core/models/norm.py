"""What a norm does, told from its outputs: which gain it gives each dimension, and whether it takes the mean away."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core.models.trace import Call, output_of, with_input

PROBES = 16


@dataclass(frozen=True, eq=False)
class Norm:
    """y = gain * x / rms(x) + bias, or with `centred` the same of x - mean(x) (LayerNorm).

    gain, bias: (width,) float64 on the CPU.
    """

    centred: bool
    gain: Tensor
    bias: Tensor


def find_norm(call: Call) -> Norm | None:
    """The norm that the module is, or None if it is none. `call` is one call of it.

    The module is run on inputs of which no value is near 0, so large that the small number under the norm's root does
    not count, and a line is laid through what it makes of each dimension: root mean square norm if that explains all
    outputs, else LayerNorm, else neither.
    """
    shape, width = call.input.shape, call.input.shape[-1]
    generator = torch.Generator().manual_seed(0)
    signs = torch.randint(0, 2, (PROBES, width), generator=generator) * 2.0 - 1
    sizes = 2.0 ** torch.randint(3, 7, (PROBES, 1), generator=generator)
    x = (sizes * signs * (1 + torch.rand((PROBES, width), generator=generator))).to(call.input)
    args, kwargs = with_input(call.args, call.kwargs, x.reshape(1, PROBES, *shape[2:]))
    with torch.no_grad():
        output = output_of(call.module(*args, **kwargs))
    if output is None or output.numel() != x.numel():
        return None
    x64, y = x.double().cpu(), output.reshape(PROBES, width).double().cpu()
    rounding = 64 * torch.finfo(output.dtype).eps
    for centred in (False, True):
        z = _normed(x64, centred)
        gain, bias = _lines(z, y)
        if bool((y - gain * z - bias).norm() <= rounding * y.norm()):
            return Norm(centred, gain, bias)
    return None


def _normed(x: Tensor, centred: bool) -> Tensor:
    if centred:
        x = x - x.mean(dim=-1, keepdim=True)
    return x / x.pow(2).mean(dim=-1, keepdim=True).sqrt()


def _lines(z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Least squares gain and bias of y = gain * z + bias, per dimension (column)."""
    dz, dy = z - z.mean(dim=0), y - y.mean(dim=0)
    gain = (dz * dy).sum(dim=0) / (dz * dz).sum(dim=0)
    return gain, y.mean(dim=0) - gain * z.mean(dim=0)
