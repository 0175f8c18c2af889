"""The head of a network: what lies between the stream that leaves the last block and the logits.

Found by what it does, as layout.py finds blocks. One forward pass shows which modules the stream goes through on its
way to the unembedding, and by which number it is multiplied between them. A second one, in which the unembedding's
output is replaced by known values, shows what becomes of that output: nothing, a multiple (Granite, Cohere) or a soft
cap (Gemma). A third one, in which the stream itself is replaced, must then give the very logits that the head found
so gives. Where it does not, the network itself is run for every stream (`Head.exact`): slow, and right.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from core.errors import UserError
from core.models.editing import edit
from core.models.model import Model
from core.models.norm import Norm, find_norm
from core.models.spread import put_on
from core.models.trace import Call, hooked, run_tokens, token_ids, untouched, watch

BATCH, TOKENS = 2, 7
LARGEST = 1e4  # of the values that stand in for logits; float16 ends at 65,504
MOST_STAGES = 8
AT_ONCE = 32  # streams per forward pass where the whole network has to run


@dataclass(frozen=True, eq=False)
class Head:
    """From the last block's output to logits.

    stages: modules that the stream goes through, the unembedding last, each with the number that its input is
    multiplied by. Empty where the way could not be taken apart: then the whole network runs. slope: logits per unit
    of the unembedding's output. cap: bound of a soft cap, `cap * tanh(slope * x / cap)`; None where there is none.
    norm: what the first stage does, if it is a norm.
    """

    stages: tuple[tuple[float, nn.Module], ...]
    slope: float = 1.0
    cap: float | None = None
    norm: Norm | None = None

    @property
    def exact(self) -> bool:
        """Whether every call runs the whole network."""
        return not self.stages

    def through(self, h: Tensor, first: int = 0) -> Tensor:
        """The unembedding's output for streams (..., width) that enter stage `first`, on their device."""
        came = h
        for factor, module in self.stages[first:]:
            h = module(h if factor == 1.0 else h * factor)
        return put_on(h, came)

    def finish(self, x: Tensor) -> Tensor:
        """What the network makes of the unembedding's output."""
        if self.cap is not None:
            return self.cap * torch.tanh(x * (self.slope / self.cap))
        return x if self.slope == 1.0 else x * self.slope


_found: WeakKeyDictionary[Model, Head] = WeakKeyDictionary()


def head_of(model: Model) -> Head:
    """The head of the model; three short forward passes at the first call.

    Raises UserError if the network has no logits, or logits that depend on more than the last block's output, and where
    its files changed since it was opened.
    """
    model.check_predicts_words()
    model.require_unchanged()
    with model.lock:
        if model not in _found:
            _found[model] = _find(model)
        return _found[model]


def through_network(model: Model, h: Tensor) -> Tensor:
    """Logits (n, vocabulary) of streams h (n, width) that are put in the place of the last block's output."""
    last = model.site(model.n_layers - 1)
    parts = []
    for chunk in h.split(AT_ONCE):
        ids = token_ids(model.network, 1, len(chunk))
        with torch.no_grad(), edit(model, {last: partial(_given, chunk)}):
            parts.append(_logits(run_tokens(model.network, ids))[0])
    return torch.cat(parts)


def _given(h: Tensor, was: Tensor) -> Tensor:
    return h.reshape(was.shape).to(was)


def _find(model: Model) -> Head:
    with untouched(model.network):
        calls, logits = _watched(model)
        last = _last(model, calls)
        h = _noise(last.output[0])
        wanted = through_network(model, h)
        alone = through_network(model, h.flip(0)).flip(0)
        if not _close(alone, wanted):
            raise UserError(
                f"The logits of {model.id} depend on more than what leaves its last block; no layer of it can be read "
                "through the unembedding."
            )
        head = _taken_apart(model, last, calls)
        if head is None:
            return Head(())
        at_home = head.finish(head.through(last.output))
        if _close(at_home, logits) and _close(head.finish(head.through(h)), wanted):
            return head
        return Head(())


def _taken_apart(model: Model, last: Call, calls: list[Call]) -> Head | None:
    """The head as its modules tell it, not yet held against the network; None where they do not."""
    stages = _stages(model.layout.unembedding, last, calls)
    if stages is None:
        return None
    ending = _ending(model, stages[-1][1])
    if ending is None:
        return None
    norm = find_norm(stages[0][1]) if len(stages) > 1 else None
    return Head(tuple((factor, call.module) for factor, call in stages), *ending, norm)


def _watched(model: Model) -> tuple[list[Call], Tensor]:
    """Calls of the last block and of whatever is outside the blocks, and the logits of the same pass."""
    inside = tuple(f"{path}." for path in model.layout.blocks)
    end = model.layout.blocks[-1]
    outside = [
        (path, module)
        for path, module in model.network.named_modules()
        if path == end or not f"{path}.".startswith(inside)
    ]
    ids = token_ids(model.network, BATCH, TOKENS)
    outputs: list[Any] = []
    calls = watch(
        [(path, module) for path, module in outside if path],
        lambda: outputs.append(run_tokens(model.network, ids)),
        keep=lambda tensor: tensor.shape[:2] == (BATCH, TOKENS),
    )
    return calls, _logits(outputs[0])


def _logits(output: Any) -> Tensor:
    logits = getattr(output, "logits", None)
    if not isinstance(logits, Tensor) or logits.dim() != 3:
        raise UserError("This network puts out no logits (batch, tokens, vocabulary); it has no words to read.")
    return logits


def _last(model: Model, calls: list[Call]) -> Call:
    """The call of the last block that ran."""
    found = next((call for call in calls if call.path == model.layout.blocks[-1]), None)
    if found is None:
        raise UserError(f"The last block of {model.id} stands still without an image; its logits cannot be read.")
    return found


def _stages(unembedding: str | None, last: Call, calls: list[Call]) -> list[tuple[float, Call]] | None:
    """The calls that hand the stream on to the unembedding; of modules within modules the outermost one."""
    if unembedding is None:
        return None
    stream, ready = last.output, last.end
    stages: list[tuple[float, Call]] = []
    for _ in range(MOST_STAGES):
        following = sorted((call for call in calls if call.start > ready), key=lambda call: call.start)
        for call in following:
            factor = None if unembedding.startswith(f"{call.path}.") else _factor(stream, call.input)
            if factor is not None and call.output.numel():
                stages.append((factor, call))
                break
        else:
            return None
        stream, ready = call.output, call.end
        if call.path == unembedding:
            return stages
    return None


def _factor(one: Tensor, two: Tensor) -> float | None:
    """The number by which `one` was multiplied to give `two`, or None."""
    if one.shape != two.shape or not one.numel():
        return None
    two = put_on(two, one)
    if torch.equal(one, two):
        return 1.0
    a, b = one.flatten().double(), two.flatten().double()
    factor = float(a @ b / (a @ a).clamp(min=1e-30))
    rounding = torch.finfo(one.dtype).eps
    return factor if factor and bool((b - factor * a).norm() <= 4 * rounding * b.norm()) else None


def _ending(model: Model, unembedding: Call) -> tuple[float, float | None] | None:
    """Slope and cap of what becomes of the unembedding's output; None if it is neither a multiple nor a soft cap.

    Seen on known values from tiny to huge, since a cap of 30 leaves the small logits of a probe as they are.
    """
    like = unembedding.output
    half = torch.logspace(-3, 0, like.shape[-1] // 2 + 1, dtype=torch.float64) * LARGEST
    ramp = torch.cat([-half.flip(0), half])[: like.shape[-1]].to(like)
    ids = token_ids(model.network, BATCH, TOKENS)
    module = unembedding.module
    with hooked([partial(module.register_forward_hook, lambda *_: ramp.expand_as(like).clone())]):
        seen = _logits(run_tokens(model.network, ids))
    if seen.shape != like.shape or not bool((seen == seen[:1, :1]).all()):
        return None
    x, y = ramp.double().cpu(), seen[0, 0].double().cpu()
    rounding = 8 * torch.finfo(seen.dtype).eps
    slope = float(x @ y / (x @ x))
    if bool(((y - slope * x).abs() <= rounding * (slope * x).abs()).all()):
        return (1.0 if abs(slope - 1) <= rounding else slope), None
    cap = float(y.abs().max())
    return _soft(x, y, cap, 100 * rounding)


def _soft(x: Tensor, y: Tensor, cap: float, rounding: float) -> tuple[float, float] | None:
    """Slope and cap of y = cap * tanh(slope * x / cap), if that is what y is."""
    inner = (y.abs() < 0.9 * cap) & (y != 0)
    if not bool(inner.any()):
        return None
    slopes = torch.atanh(y[inner] / cap) * cap / x[inner]
    slope = float(slopes.median())
    fits = (y - cap * torch.tanh(slope * x / cap)).abs() <= rounding * cap
    return (slope, cap) if slope > 0 and bool(fits.all()) else None


def _noise(like: Tensor) -> Tensor:
    """Streams (TOKENS, width) as long as real ones, in random directions."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(like.shape, generator=generator)
    size = like.float().norm() / like.numel() ** 0.5
    return (noise * torch.logspace(-0.5, 0.5, len(noise))[:, None]).to(like) * size.to(like)


def _close(one: Tensor, two: Tensor) -> bool:
    """Equal up to rounding, which sums of a few thousand terms add up."""
    if one.shape != two.shape:
        return False
    one = put_on(one, two)
    rounding = 64 * torch.finfo(two.dtype).eps
    return bool(((one - two).float().norm() <= rounding * two.float().norm()).all())
