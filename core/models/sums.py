"""Taking apart the sum that a block makes."""

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from core.models.block import Block, flat, has_matrix
from core.models.trace import Call

MOST_BRANCHES = 3  # added to the stream at one point
MOST_STEPS = 8  # points at which something is added, and norms
SAMPLE = 4096  # values looked at to fit a handful of coefficients


@dataclass(eq=False)
class Flow:
    """A stream-shaped tensor inside the block, and the outermost module that puts it out (None: only goes in)."""

    value: Tensor  # (batch * tokens * width,) float64
    path: str | None
    ready: int  # tick from which it was there


def unwind(block: Block, leaves: Tensor, calls: list[Call]) -> tuple[list[str], bool]:
    """Paths of what is added to the stream, in the order in which it is added, and whether that is all of it."""
    entering = flat(block.stream)
    outputs, streams = _flows(block, calls)
    target, ready = flat(leaves), 1 << 62
    found: list[str] = []
    for _ in range(MOST_STEPS):
        if torch.equal(target, entering):
            break
        start = Flow(entering, None, -1)
        earlier = [flow for flow in outputs if flow.ready < ready and not torch.equal(flow.value, target)]
        step = _sum(target, [start], earlier, MOST_BRANCHES, block.rounding) or _sum(
            target, [flow for flow in streams if flow.ready < ready], earlier, 1, block.rounding
        )
        if step is not None:
            stream, terms = step
            found = [term.path for term in sorted(terms, key=lambda term: term.ready) if term.path] + found
            target, ready = stream.value, stream.ready
            continue
        norm = norm_before(target, calls, block)
        if norm is None:
            break
        target, ready = flat(norm.input), norm.start
    return found, torch.equal(target, entering)


def _flows(block: Block, calls: list[Call]) -> tuple[list[Flow], list[Flow]]:
    """Different stream-shaped outputs, and different stream-shaped inputs and outputs."""
    shape, size = block.stream.shape, block.stream.numel()
    outputs: list[Flow] = []
    # Only modules that run once, since a hook must see one thing. Outermost first, and whole before flattened, so
    # that of equal outputs the outermost module is named.
    times = Counter(call.path for call in calls)
    for call in sorted(calls, key=lambda c: (c.output.shape != shape, c.path.count("."), c.start)):
        if times[call.path] == 1 and call.output.numel() == size and call.output.shape[-1] == shape[-1]:
            _add(outputs, Flow(flat(call.output), call.path, call.end))
    streams = list(outputs)
    for call in calls:
        if call.output.shape == shape:
            _add(streams, Flow(flat(call.output), None, call.end))
        if call.input.shape == shape:
            _add(streams, Flow(flat(call.input), None, call.start))
    return outputs, streams


def _add(flows: list[Flow], new: Flow) -> None:
    for flow in flows:
        if torch.equal(flow.value, new.value):
            flow.ready = min(flow.ready, new.ready)
            return
    if new.value.any():
        flows.append(new)


def _sum(
    target: Tensor, streams: list[Flow], terms: list[Flow], most: int, rounding: float
) -> tuple[Flow, list[Flow]] | None:
    """target = c0 stream + c1 term + ... with the fewest terms, and of those the closest fit; None if there is none."""
    for number in range(1, most + 1):
        best: tuple[float, Flow, list[Flow]] | None = None
        for stream in streams:
            for chosen in combinations(terms, number):
                if any(term.ready < stream.ready or torch.equal(term.value, stream.value) for term in chosen):
                    continue
                error = _misfit(target, stream, chosen, rounding)
                if error < 1 and (best is None or error < best[0]):
                    best = (error, stream, list(chosen))
        if best is not None:
            return best[1], best[2]
    return None


def _misfit(target: Tensor, stream: Flow, terms: tuple[Flow, ...], rounding: float) -> float:
    """Distance of target from c0 stream + c1 term + ..., in units of what rounding allows.

    It must also be small against each summand, or else that one is there by chance.
    """
    every = max(1, len(target) // SAMPLE)
    target, basis = target[::every], torch.stack([flow.value[::every] for flow in (stream, *terms)], 1)
    gram = basis.T @ basis
    scale = gram.diagonal().sqrt()
    parts = torch.linalg.lstsq(gram / scale / scale[:, None], (basis.T @ target) / scale, driver="gelsd").solution
    smallest, largest, size = parts.abs().min(), parts.abs().max(), target.norm()
    # Huge summands that cancel come from terms that are nearly alike; no network computes such a sum.
    if smallest == 0 or largest > 100 * size:
        return float("inf")
    error = (target - basis @ (parts / scale)).norm()
    return float(max(error / (rounding * size), error / (0.25 * smallest)))


def norm_before(target: Tensor, calls: list[Call], block: Block) -> Call | None:
    """The innermost call that made `target` out of something of the same shape, if it is a norm."""
    shape = block.stream.shape
    makers = [c for c in calls if c.output.numel() == target.numel()]
    makers = [c for c in makers if c.input.shape == shape and c.module is not block.module]
    makers = [c for c in makers if torch.equal(flat(c.output), target) and not torch.equal(flat(c.input), target)]
    maker = max(makers, key=lambda c: c.path.count("."), default=None)
    return None if maker is None or has_matrix(maker.module) else maker
