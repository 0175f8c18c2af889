"""Which modules of one block add to the residual stream, and which of them mixes tokens.

A block is run by itself, on noise, and its sum is taken apart: the stream that leaves is the stream that entered
plus what some of its modules put out, possibly scaled, or a norm of such a sum. That says what a module does
whatever it is called and wherever it stands.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from core.models.block import Block, call_of, flat, has_matrix, is_linear, is_pointwise, looks_back
from core.models.sums import norm_before, unwind
from core.models.trace import Call


@dataclass(frozen=True)
class Branches:
    """Paths inside the block (empty: the block itself); None where there is none or it cannot be told."""

    attention: str | None
    mlp: str | None
    hidden: str | None


def find_branches(call: Call) -> Branches:
    """The branches of the block that was called so, its stream being (batch, tokens, width)."""
    block = Block(call)
    leaves, calls = block.run(block.stream)
    added, whole = unwind(block, leaves, calls)
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


def _sorted_by_mixing(block: Block, paths: list[str], calls: list[Call]) -> tuple[list[str], list[str]]:
    """Which of `paths` let a later token see an earlier one, and which do not.

    The first token is changed. What a mixer adds is then held where it was, so that what follows it is judged by
    what it does itself.
    """
    frozen: dict[str, Tensor] = {}
    mixers: list[str] = []
    others: list[str] = []
    for path in paths:
        _, again = block.run(block.other, frozen)
        after = call_of(path, again).output
        was = call_of(path, calls).output
        change = (after.reshape(block.stream.shape) - was.reshape(block.stream.shape)).float().abs()
        if change[:, 1:].max() > 0.01 * change.max() and not is_pointwise(call_of(path, calls)):
            mixers.append(path)
            frozen[path] = was
        else:
            others.append(path)
    return mixers, others


def _follows(later: str, earlier: str, calls: list[Call]) -> bool:
    return call_of(later, calls).start > call_of(earlier, calls).end


def _down_projection(mlp: str, calls: list[Call], block: Block) -> Call | None:
    """The linear map at the end of the MLP, going back over norms and convolutions that stand behind it."""
    target = flat(call_of(mlp, calls).output)
    for _ in range(4):
        makers = [c for c in calls if c.output.numel() == target.numel() and torch.equal(flat(c.output), target)]
        makers = [c for c in makers if c.input.numel() and not torch.equal(flat(c.input), target)]
        linear = [c for c in sorted(makers, key=lambda c: c.path.count(".")) if has_matrix(c.module) and is_linear(c)]
        if down := next((call for call in linear if not looks_back(call)), None):
            return down
        behind = linear[0] if linear else norm_before(target, calls, block)
        if behind is None:
            return None
        target = flat(behind.input)
    return None
