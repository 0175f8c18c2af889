"""Where the layers of a network are, found by what its modules do and never by what it is called.

The network runs once over a few token ids. Its layers are the list whose elements each run once, in order, with
a residual stream (batch, tokens, width) going in and coming out, what one puts out being what the next one gets.
Inside a layer, branches.py tells attention and MLP apart.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import UserError
from core.models.block import Signature, signature
from core.models.branches import Branches, find_branches
from core.models.spread import put_on
from core.models.trace import Call, run_tokens, token_ids, untouched, watch

BATCH, TOKENS = 2, 7


@dataclass(frozen=True)
class Layout:
    """Module paths, each of which `network.get_submodule` resolves.

    blocks: the layers, in order; a layer's stream is the block's input and output.
    attention, mlp: per layer, the module whose output (a tensor, or the first of a tuple) is what attention (or
    whatever mixes tokens in its place) and MLP add to the stream; None where there is none or it cannot be told.
    hidden: per layer, the module whose input is the MLP's hidden activation (the down projection), or None.
    final_norm, unembedding, embedding: None where the network has none.
    width: of the residual stream.
    """

    blocks: tuple[str, ...]
    attention: tuple[str | None, ...]
    mlp: tuple[str | None, ...]
    hidden: tuple[str | None, ...]
    final_norm: str | None
    unembedding: str | None
    embedding: str | None
    width: int


def find_layout(network: Any, blocks: str | None = None) -> Layout:
    """The layout of a causal language model; `network` is left exactly as it was.

    blocks: module path of the list of layers (`transformer.h`), for a network whose list is not found by itself.
    Raises UserError if the list is not found, or is not one of layers.
    """
    lists = _lists(network)
    if blocks is not None and blocks not in lists:
        raise UserError(f"{type(network).__name__} has no list of layers called {blocks!r}; {_lists_named(lists)}")
    with untouched(network):
        calls = _calls(network, lists)
        path = _find_list(network, lists, calls) if blocks is None else blocks
        layers = _layers(lists[path], calls)
        if layers is None:
            raise UserError(
                f"The modules in {path!r} do not each take and return a residual stream (batch, tokens, width) once "
                f"per forward pass, so they are not layers; {_lists_named(lists)}"
            )
        inside = _branches(layers)
    names = [f"{path}.{name}" for name, _ in lists[path].named_children()]

    def paths(kind: str) -> tuple[str | None, ...]:
        found = [getattr(branches, kind) for branches in inside]
        return tuple(None if place is None else f"{name}.{place}" for name, place in zip(names, found, strict=True))

    last = [call for call in layers if call is not None][-1]
    unembedding = _path_of(network, network.get_output_embeddings())
    return Layout(
        blocks=tuple(names),
        attention=paths("attention"),
        mlp=paths("mlp"),
        hidden=paths("hidden"),
        final_norm=_final_norm(last, calls, unembedding),
        unembedding=unembedding,
        embedding=_path_of(network, network.get_input_embeddings()),
        width=last.output.shape[-1],
    )


def _lists(network: nn.Module) -> dict[str, nn.Module]:
    return {
        path: module for path, module in network.named_modules() if isinstance(module, nn.ModuleList | nn.Sequential)
    }


def _calls(network: Any, lists: dict[str, nn.Module]) -> list[Call]:
    """Calls of the elements of all lists, and of whatever is not inside one."""
    elements = {f"{path}.{name}" for path, module in lists.items() for name, _ in module.named_children()}
    watched: dict[int, tuple[str, nn.Module]] = {}
    for path, module in network.named_modules():
        parts = path.split(".")
        inside = any(".".join(parts[:n]) in elements for n in range(1, len(parts)))
        if path and (path in elements or not inside):
            watched.setdefault(id(module), (path, module))
    ids = token_ids(network, BATCH, TOKENS)
    return watch(watched.values(), lambda: run_tokens(network, ids), keep=lambda t: t.shape[:2] == (BATCH, TOKENS))


def _layers(modules: nn.Module, calls: list[Call]) -> list[Call | None] | None:
    """One call for each element of the list, if they are layers.

    A few of them may stand still (None): layers that look at an image do so when there is none.
    """
    made = [[call for call in calls if call.module is module] for module in modules.children()]
    layers = [call for of_one in made for call in of_one]
    if any(len(of_one) > 1 for of_one in made) or not layers or 2 * len(layers) < len(made):
        return None
    shape = layers[0].input.shape
    if len(shape) != 3 or any(call.input.shape != shape or call.output.shape != shape for call in layers):
        return None
    if any(before.end > after.start for before, after in pairwise(layers)):
        return None
    return [next(iter(of_one), None) for of_one in made]


def _find_list(network: nn.Module, lists: dict[str, nn.Module], calls: list[Call]) -> str:
    """The list of layers that hand the stream on to one another, and hold most of the parameters."""
    found = [path for path, modules in lists.items() if _is_chain(_layers(modules, calls))]
    if not found:
        raise UserError(
            f"No list of layers was found in {type(network).__name__}: none whose modules each take one residual "
            f"stream (batch, tokens, width) and hand it on to the next, once per forward pass; {_lists_named(lists)}"
        )
    return max(found, key=lambda path: sum(parameter.numel() for parameter in lists[path].parameters()))


def _is_chain(layers: list[Call | None] | None) -> bool:
    """Whether most layers put out what the next one gets (a network may rescale its stream every now and then)."""
    running = [call for call in layers or [] if call is not None]
    links = [_equal(before.output, after.input) for before, after in pairwise(running)]
    return bool(running) and 2 * sum(links) >= len(links)


def _equal(one: Tensor, two: Tensor) -> bool:
    return one.numel() > 0 and one.shape == two.shape and torch.equal(one, put_on(two, one))


def _branches(layers: list[Call | None]) -> list[Branches]:
    """The branches of each layer. Layers that are built alike are judged by the one in their middle."""
    alike: dict[Signature, list[Call]] = {}
    keys = [None if call is None else signature(call.module) for call in layers]
    for key, call in zip(keys, layers, strict=True):
        if key is not None and call is not None:
            alike.setdefault(key, []).append(call)
    found = {key: find_branches(calls[len(calls) // 2]) for key, calls in alike.items()}
    return [Branches(None, None, None) if key is None else found[key] for key in keys]


def _final_norm(last: Call, calls: list[Call], unembedding: str | None) -> str | None:
    """What the stream goes through after the last layer, if it holds no matrix."""
    for call in sorted(calls, key=lambda call: call.start):
        if call.start > last.end and _equal(last.output, call.input) and not _equal(call.input, call.output):
            matrix = any(parameter.dim() > 1 for parameter in call.module.parameters())
            other = matrix or call.path == unembedding or call.output.shape != call.input.shape
            return None if other else call.path
    return None


def _path_of(network: nn.Module, wanted: nn.Module | None) -> str | None:
    return next((path for path, module in network.named_modules() if path and module is wanted), None)


def _lists_named(lists: dict[str, nn.Module]) -> str:
    if not lists:
        return "it has no lists of modules at all."
    names = [f"{path} ({len(list(module.children()))} modules)" for path, module in lists.items()]
    return "name its list by hand (blocks=...), one of: " + ", ".join(names) + "."
