"""The layers of a network for images, found by what its modules put out and never by what it is called.

The network runs once over one image of noise. A layer is a module at the granularity of blocks whose output is a
feature map, (batch, channels, height, width) or (batch, tokens, width), and all that later layers get to see (cuts.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import UserError
from core.models.cuts import Node, find_cuts
from core.models.site import Site
from core.models.trace import hooked, output_of, untouched

POOLS = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.AvgPool2d, nn.MaxPool2d)
FEWEST = 3  # fewer layers than this mean that the blocks of this network are single modules


@dataclass(frozen=True)
class FeatureMap:
    """What a site of a network for images carries.

    width: number of channels. positions: (height, width), or (tokens,), or () where there are none. axis: of the
    channels in the tensor, 1 or -1.
    """

    site: Site
    width: int
    positions: tuple[int, ...]
    axis: int

    def flat(self, h: Tensor) -> Tensor:
        """(batch, positions, width) of a tensor at this site; a view where possible."""
        if not self.positions:
            return h[:, None, :]
        return h.flatten(2).transpose(1, 2) if self.axis == 1 else h.flatten(1, -2)


@dataclass(frozen=True, eq=False)
class _Output:
    """The output of one call of a module. node: the operation that made it, None where no gradient goes through."""

    path: str
    module: nn.Module
    shape: torch.Size
    node: Node | None


def find_maps(network: nn.Module, run: Callable[[Tensor], Tensor], size: tuple[int, int]) -> tuple[FeatureMap, ...]:
    """The layers of `network`, in the order in which they run; it is left exactly as it was.

    run: takes pixels (1, 3, height, width) and returns logits (1, classes). size: (height, width) of an image.
    Raises UserError if there are none.
    """
    outputs, cuts = _watch(network, run, size)
    for leaves in (False, True):
        found = _Finder(network, outputs, cuts, leaves).layers()
        if len(found) >= FEWEST:
            break
    if not found:
        raise UserError(
            f"No layer was found in {type(network).__name__}: none of its modules puts out a feature map through which"
            " all of the computation goes; name a module path."
        )
    return tuple(_map_of(output, number) for number, output in enumerate(found))


def map_at(network: nn.Module, run: Callable[[Tensor], Tensor], size: tuple[int, int], path: str) -> FeatureMap:
    """What the module at `path` puts out. Raises UserError if it is none, or runs not exactly once."""
    outputs, _ = _watch(network, run, size, only=path)
    found = [output for output in outputs if len(output.shape) in (2, 3, 4)]
    if len(found) != 1:
        raise UserError(f"The module {path!r} does not put out one feature map per pass; choose another site.")
    return _map_of(found[0], -1)


def _watch(
    network: nn.Module, run: Callable[[Tensor], Tensor], size: tuple[int, int], only: str | None = None
) -> tuple[list[_Output], set[Node]]:
    """What each module puts out, in the order in which they end, and the cuts of the computation."""
    outputs: list[_Output] = []

    def keep(path: str, module: nn.Module, _args: Any, output: Any) -> None:
        if (given := output_of(output)) is not None:
            outputs.append(_Output(path, module, given.shape, given.grad_fn))

    first = next(network.parameters())
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn((1, 3, *size), generator=generator).to(first.device, first.dtype).requires_grad_(True)
    modules = [(path, module) for path, module in network.named_modules() if path and only in (None, path)]
    with (
        untouched(network),
        torch.enable_grad(),
        hooked(partial(module.register_forward_hook, partial(keep, path)) for path, module in modules),
    ):
        logits = run(pixels)
        if not logits.requires_grad:
            raise UserError(f"No gradient goes through {type(network).__name__}, so that its layers cannot be tested.")
        return outputs, set() if only else find_cuts(logits, pixels)


class _Finder:
    """Walks the tree of modules and stops at blocks."""

    def __init__(self, network: nn.Module, outputs: list[_Output], cuts: set[Node], leaves: bool) -> None:
        self.network, self.leaves = network, leaves
        times = Counter(output.path for output in outputs)
        # Only modules that run once, since a hook must see one thing.
        self.once = {output.path: output for output in outputs if times[output.path] == 1}
        self.order = {path: number for number, path in enumerate(self.once)}
        self.cuts = {path for path, output in self.once.items() if output.node in cuts and len(output.shape) in (3, 4)}
        votes: dict[type, set[bool]] = {}
        for path, module in network.named_modules():
            votes.setdefault(type(module), set()).update(self._lists_of_blocks(path, module))
        # Blocks that stride have no way round, which lets what is inside them look like layers: their kind decides.
        self.opened = {kind for kind, of_kind in votes.items() if of_kind == {True}}

    def layers(self) -> list[_Output]:
        found = sorted(self._below("", self.network), key=self.order.__getitem__)
        different: dict[Node, str] = {}
        for path in found:
            different.setdefault(self.once[path].node, path)
        paths = list(different.values())
        if last := self._last(paths):
            paths.append(last)
        return [self.once[path] for path in paths]

    def _last(self, paths: list[str]) -> str | None:
        """The map that is pooled, where the network goes on a little after its last block."""
        if not paths or len(self.once[paths[-1]].shape) != 4:
            return None
        end = self.once[paths[-1]]
        later = [
            path
            for path in self.cuts
            if self.order[path] > self.order[paths[-1]]
            and self.once[path].shape[2:] == end.shape[2:]
            and self.once[path].node is not end.node
            and not isinstance(self.once[path].module, POOLS)
        ]
        return max(later, key=self.order.__getitem__, default=None)

    def _below(self, path: str, module: nn.Module) -> list[str]:
        found: list[str] = []
        for name, child in module.named_children():
            place = f"{path}.{name}" if path else name
            if self._is_opened(place, child):
                found += self._below(place, child)
            elif place in self.cuts and self._is_block(child):
                found.append(place)
        return found

    def _is_opened(self, path: str, module: nn.Module) -> bool:
        if not isinstance(module, nn.ModuleList | nn.Sequential):
            return type(module) in self.opened
        return path not in self.once or len(module) == 1 or True in self._lists_of_blocks(path, module)

    def _lists_of_blocks(self, path: str, module: nn.Module) -> set[bool]:
        """Whether the outermost lists, here or inside, are lists of blocks: two or more whose outputs are cuts.

        {True} if any is, {False} if none is, empty if none has two elements that could be blocks.
        """
        found: set[bool] = set()
        if isinstance(module, nn.ModuleList | nn.Sequential):
            names = [f"{path}.{name}" for name, child in module.named_children() if self._is_block(child)]
            if len(names) >= 2:
                found = {sum(name.lstrip(".") in self.cuts for name in names) >= 2}
            if names:
                return found
        for name, child in module.named_children():
            found |= self._lists_of_blocks(f"{path}.{name}", child)
        return {True} if True in found else found

    def _is_block(self, module: nn.Module) -> bool:
        """Whether the module can be a block: one made of several modules, or a matrix if blocks are single modules."""
        several = any(True for _ in module.children())
        return several or (self.leaves and any(parameter.dim() >= 2 for parameter in module.parameters()))


def _map_of(output: _Output, number: int) -> FeatureMap:
    shape = output.shape
    # Images are square when layers are looked for: of (batch, a, b, c) equal sides are the positions.
    last = len(shape) != 4 or (shape[2] != shape[3] and shape[1] == shape[2])
    width = shape[-1] if last else shape[1]
    positions = tuple(shape[1:-1]) if last else tuple(shape[2:])
    return FeatureMap(Site(number, "after", output.path, "output"), width, positions, -1 if last else 1)
