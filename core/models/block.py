"""One block run by itself, and what can be learned of its modules by running them again.

The blocks of a network are judged on noise: what they do to a residual stream whose values mean nothing is the same,
and no token stands out there as some do in real streams.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from core.models.spread import put_on
from core.models.trace import Call, hooked, input_of, output_of, watch, with_input, with_output

SMALLEST, LARGEST = 1e-3, 10.0  # root mean square of the noise

Signature = tuple[tuple[Any, ...], ...]


class Block:
    """One block and one call of it, to be run again on other streams."""

    def __init__(self, call: Call) -> None:
        self.module, self.args, self.kwargs = call.module, call.args, call.kwargs
        given = input_of(call.args, call.kwargs)
        assert given is not None
        self.rounding = max(torch.finfo(given.dtype).eps, 1e-6)  # of a sum of a few tensors, relative to its size
        size = 1.0
        self.stream, self.other = _noise(given, size)
        for _ in range(2):
            # As large as what the block adds to it, so that rounding spares both.
            leaves, _ = self.run(self.stream)
            size *= float((leaves - self.stream).float().norm() / self.stream.float().norm())
            size = min(max(size, SMALLEST), LARGEST) if size == size else 1.0
            self.stream, self.other = _noise(given, size)

    def run(self, stream: Tensor, frozen: dict[str, Tensor] | None = None) -> tuple[Tensor, list[Call]]:
        """The stream that leaves, and the calls inside; the outputs of the modules in `frozen` are replaced."""

        def replacing(value: Tensor) -> Callable[[nn.Module, Any, Any], Any]:
            return lambda _module, _args, output: with_output(output, value)

        result: list[Any] = []

        def forward() -> None:
            args, kwargs = with_input(self.args, self.kwargs, stream.clone())
            result.append(self.module(*args, **kwargs))

        inside = [(path, module) for path, module in self.module.named_modules() if path]
        with hooked(
            partial(self.module.get_submodule(path).register_forward_hook, replacing(value))
            for path, value in (frozen or {}).items()
        ):
            calls = watch(inside, forward)
        leaves = output_of(result[0])
        assert leaves is not None
        return put_on(leaves, stream), calls


def _noise(like: Tensor, size: float) -> tuple[Tensor, Tensor]:
    """A random stream, and the same one but for the first token of every row.

    Tokens differ in length, so that a norm, which makes them all alike, is not mistaken for a multiple of its input.
    """
    generator = torch.Generator().manual_seed(0)
    noise = size * torch.randn((2, *like.shape), generator=generator, dtype=torch.float32)
    noise *= torch.logspace(-0.5, 0.5, like.shape[1])[:, None]
    noise[1, :, 1:] = noise[0, :, 1:]
    return noise[0].to(like), noise[1].to(like)


def signature(block: nn.Module) -> Signature:
    """Blocks with the same signature are built alike, so that one stands for all of them."""

    def switches(module: nn.Module) -> list[tuple[str, bool | str]]:
        return sorted((name, value) for name, value in vars(module).items() if isinstance(value, bool | str))

    return tuple((path, type(module).__qualname__, *switches(module)) for path, module in block.named_modules())


def call_of(path: str, calls: list[Call]) -> Call:
    """The first call of the module at `path`."""
    return next(call for call in calls if call.path == path)


def has_matrix(module: nn.Module) -> bool:
    """Whether the module holds more than gains and biases (quantised matrices are packed into bytes)."""
    return any(parameter.dim() >= 2 or parameter.dtype == torch.uint8 for parameter in module.parameters())


def is_linear(call: Call) -> bool:
    """f(x + z) + f(0) = f(x) + f(z), up to rounding."""
    x = call.input
    z = 0.7 * x.roll(1, -1)
    parts = [_again(call, value) for value in (x + z, torch.zeros_like(x), x, z)]
    size = (parts[2] - parts[1]).norm()
    return bool((parts[0] + parts[1] - parts[2] - parts[3]).norm() <= 0.02 * size)


def looks_back(call: Call) -> bool:
    """Whether the last token's output depends on other tokens, as that of a convolution does."""
    x, other = call.input, call.input.roll(1, -1)
    other[..., -1, :] = x[..., -1, :]
    one, two = _again(call, x), _again(call, other)
    return bool((one - two)[..., -1, :].norm() > 1e-3 * (one - two).norm())


def _again(call: Call, value: Tensor) -> Tensor:
    args, kwargs = with_input(call.args, call.kwargs, value)
    output = output_of(call.module(*args, **kwargs))
    assert output is not None
    return output.float()


def flat(tensor: Tensor) -> Tensor:
    """All values in one float64 row on the CPU, which no rounding disturbs: equal tensors stay equal."""
    return tensor.detach().reshape(-1).to("cpu", torch.float64)


def is_pointwise(call: Call) -> bool:
    """Whether the module is an MLP: what reaches it may come from a mixer that adds nothing to this stream itself."""
    return call.input.dim() == 3 and has_matrix(call.module) and not looks_back(call) and not is_linear(call)
