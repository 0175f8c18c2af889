"""Which modules of one block add to the residual stream, and which of them mixes tokens.

A block is run by itself, on noise, and its sum is taken apart: the stream that leaves is the stream that entered
plus what some of its modules put out, possibly scaled, or a norm of such a sum. That says what a module does
whatever it is called and wherever it stands.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn

from core.models.trace import Call, hooked, input_of, output_of, watch, with_input, with_output

MOST_BRANCHES = 3
NOISE = 0.1  # root mean square of the stream given to a block: small, so that what the block adds is not rounded away


@dataclass(frozen=True)
class Branches:
    """Paths inside the block (empty: the block itself); None where there is none or it cannot be told."""

    attention: str | None
    mlp: str | None
    hidden: str | None


@dataclass(eq=False)
class _Flow:
    """A stream-shaped tensor inside the block, and the outermost module that puts it out (None: only goes in)."""

    value: Tensor  # (batch * tokens * width,) float64
    path: str | None
    ready: int  # tick from which it was there


class Block:
    """One block and one call of it, to be run again on other streams."""

    def __init__(self, call: Call) -> None:
        self.module, self.args, self.kwargs = call.module, call.args, call.kwargs
        given = input_of(call.args, call.kwargs)
        assert given is not None
        generator = torch.Generator().manual_seed(0)
        noise = NOISE * torch.randn((2, *given.shape), generator=generator, dtype=torch.float32)
        self.stream = noise[0].to(given)
        self.other = self.stream.clone()  # the same but for the first token of every row
        self.other[:, 0] = noise[1, :, 0].to(given)
        self.tolerance = 1e-3 if given.dtype in (torch.float32, torch.float64) else 0.06

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
        return leaves, calls


def find_branches(call: Call) -> Branches:
    """The branches of the block that was called so, its stream being (batch, tokens, width)."""
    block = Block(call)
    leaves, calls = block.run(block.stream)
    added, whole = _unwind(block, leaves, calls)
    mixers, others = _sorted_by_mixing(block, added, calls)
    if not whole:
        # What mixes may do so only because something that mixes, and was not found, comes before it.
        mixers = []
    if len(mixers) == 2 and not others and _follows(mixers[1], mixers[0], calls):
        # Recurrent networks look back one token in their MLP too: the second of two is the MLP.
        mixers, others = mixers[:1], mixers[1:]
    downs = {path: _down_projection(path, calls, block) for path in others}
    mlp = others[0] if len(others) == 1 else _widest(downs)
    down = downs.get(mlp or "")
    return Branches(mixers[0] if len(mixers) == 1 else None, mlp, down.path if down else None)


def _widest(downs: dict[str, Call | None]) -> str | None:
    """Of several things that do not mix tokens, the one that is clearly the MLP and no narrow adapter; else None."""
    widths = sorted((down.input.shape[-1] if down else 0, path) for path, down in downs.items())
    if len(widths) < 2 or any(width == 0 for width, _ in widths):
        return None
    return widths[-1][1] if widths[-1][0] >= 2 * widths[-2][0] else None


def _unwind(block: Block, leaves: Tensor, calls: list[Call]) -> tuple[list[str], bool]:
    """Paths of what is added to the stream, in the order in which it is added, and whether that is all of it."""
    entering = _flat(block.stream)
    outputs, streams = _flows(block, calls)
    target, ready = _flat(leaves), 1 << 62
    found: list[str] = []
    for _ in range(8):
        if torch.equal(target, entering):
            break
        start = _Flow(entering, None, -1)
        earlier = [flow for flow in outputs if flow.ready < ready and not torch.equal(flow.value, target)]
        step = _sum(target, [start], earlier, MOST_BRANCHES, block.tolerance) or _sum(
            target, [flow for flow in streams if flow.ready < ready], earlier, 1, block.tolerance
        )
        if step is not None:
            stream, terms = step
            found = [*sorted((term.path for term in terms if term.path), key=_order(calls)), *found]
            target, ready = stream.value, stream.ready
            continue
        norm = _made_by(target, calls, block)
        if norm is None:
            break
        target, ready = _flat(norm.input), norm.start
    return found, torch.equal(target, entering)


def _flows(block: Block, calls: list[Call]) -> tuple[list[_Flow], list[_Flow]]:
    """Different stream-shaped outputs, and different stream-shaped inputs and outputs."""
    shape, size = block.stream.shape, block.stream.numel()
    outputs: list[_Flow] = []
    streams: list[_Flow] = []
    # Outermost first, and whole before flattened, so that of equal outputs the outermost module is named.
    for call in sorted(calls, key=lambda c: (c.output.shape != shape, c.path.count("."), c.start)):
        if call.output.numel() == size and call.output.shape[-1] == shape[-1]:
            _add(outputs, _Flow(_flat(call.output), call.path, call.end))
    streams = list(outputs)
    for call in calls:
        if call.input.shape == shape:
            _add(streams, _Flow(_flat(call.input), None, call.start))
    return outputs, streams


def _add(flows: list[_Flow], new: _Flow) -> None:
    for flow in flows:
        if torch.equal(flow.value, new.value):
            flow.ready = min(flow.ready, new.ready)
            return
    if new.value.any():
        flows.append(new)


def _sum(
    target: Tensor, streams: list[_Flow], terms: list[_Flow], most: int, tolerance: float
) -> tuple[_Flow, list[_Flow]] | None:
    """target = c0 stream + c1 term + ... with the fewest terms, and of those the closest fit; None if there is none."""
    for number in range(1, most + 1):
        best: tuple[float, _Flow, list[_Flow]] | None = None
        for stream in streams:
            for chosen in combinations(terms, number):
                if any(term.ready < stream.ready or torch.equal(term.value, stream.value) for term in chosen):
                    continue
                error = _misfit(target, stream, chosen)
                if error < tolerance and (best is None or error < best[0]):
                    best = (error, stream, list(chosen))
        if best is not None:
            return best[1], best[2]
    return None


def _misfit(target: Tensor, stream: _Flow, terms: tuple[_Flow, ...]) -> float:
    """Distance of target from c0 stream + c1 term + ..., in units of the smallest of the summands."""
    basis = torch.stack([stream.value, *(term.value for term in terms)], 1)
    gram = basis.T @ basis
    scale = gram.diagonal().sqrt()
    coefficients = torch.linalg.lstsq(
        gram / scale / scale[:, None], (basis.T @ target) / scale, driver="gelsd"
    ).solution
    smallest = coefficients.abs().min()
    return float((target - basis @ (coefficients / scale)).norm() / smallest) if smallest > 0 else float("inf")


def _made_by(target: Tensor, calls: list[Call], block: Block) -> Call | None:
    """The innermost call that made `target` out of something of the same shape, if it is a norm."""
    shape = block.stream.shape
    makers = [c for c in calls if c.output.numel() == target.numel()]
    makers = [c for c in makers if c.input.shape == shape and c.module is not block.module]
    makers = [c for c in makers if torch.equal(_flat(c.output), target) and not torch.equal(_flat(c.input), target)]
    maker = max(makers, key=lambda c: c.path.count("."), default=None)
    return None if maker is None or _has_matrix(maker.module) else maker


def _sorted_by_mixing(block: Block, paths: list[str], calls: list[Call]) -> tuple[list[str], list[str]]:
    """Which of `paths` let a later token see an earlier one, and which do not.

    The first token is changed. What a mixer adds is then held where it was, so that what follows it is judged by
    what it does itself.
    """
    before = {call.path: call.output for call in calls}
    frozen: dict[str, Tensor] = {}
    mixers: list[str] = []
    others: list[str] = []
    for path in paths:
        _, again = block.run(block.other, frozen)
        after = next(call.output for call in again if call.path == path)
        was = before[path]
        change = (after.reshape(block.stream.shape) - was.reshape(block.stream.shape)).float().abs()
        if change[:, 1:].max() > 0.01 * change.max():
            mixers.append(path)
            frozen[path] = was
        else:
            others.append(path)
    return mixers, others


def _follows(later: str, earlier: str, calls: list[Call]) -> bool:
    ends = {call.path: call.end for call in calls}
    starts = {call.path: call.start for call in calls}
    return starts[later] > ends[earlier]


def _down_projection(mlp: str, calls: list[Call], block: Block) -> Call | None:
    """The linear map at the end of the MLP, going back over norms and convolutions that stand behind it."""
    target = _flat(next(call.output for call in calls if call.path == mlp))
    for _ in range(4):
        makers = [c for c in calls if c.output.numel() == target.numel() and torch.equal(_flat(c.output), target)]
        makers = [c for c in makers if c.input.numel() and not torch.equal(_flat(c.input), target)]
        linear = [c for c in sorted(makers, key=lambda c: c.path.count(".")) if _has_matrix(c.module) and _is_linear(c)]
        if down := next((call for call in linear if not _looks_back(call)), None):
            return down
        behind = linear[0] if linear else _made_by(target, calls, block)
        if behind is None:
            return None
        target = _flat(behind.input)
    return None


def _has_matrix(module: nn.Module) -> bool:
    return any(parameter.dim() >= 2 or parameter.dtype == torch.uint8 for parameter in module.parameters())


def _is_linear(call: Call) -> bool:
    """f(x + z) + f(0) = f(x) + f(z), up to rounding."""
    x = call.input
    z = 0.7 * x.roll(1, -1)
    parts = [_again(call, value) for value in (x + z, torch.zeros_like(x), x, z)]
    size = (parts[2] - parts[1]).norm()
    return bool((parts[0] + parts[1] - parts[2] - parts[3]).norm() <= 0.02 * size)


def _looks_back(call: Call) -> bool:
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


def _order(calls: list[Call]) -> Callable[[str], int]:
    ends = {call.path: call.end for call in calls}
    return lambda path: ends[path]


def _flat(tensor: Tensor) -> Tensor:
    return tensor.detach().reshape(-1).to("cpu", torch.float64)


def signature(block: nn.Module) -> tuple[tuple[str, str], ...]:
    """Blocks with the same signature are built alike, so that one stands for all of them."""

    def parts() -> Iterator[tuple[str, str]]:
        for path, module in block.named_modules():
            yield path, type(module).__qualname__

    return tuple(parts())
