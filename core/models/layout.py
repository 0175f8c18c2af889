"""Where the layers of a network are, found by what its modules do and never by what it is called.

The network runs once over a few token ids. Its layers are the list whose elements each run once, in order, with
a residual stream (batch, tokens, width) going in and coming out, what one puts out being what the next one gets.
Inside a layer, branches.py tells attention and MLP apart.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import UserError
from core.models.branches import Branches, find_branches, signature
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
        if blocks is None:
            layers = _find_list(network, lists, calls)
        else:
            layers = _layers(blocks, lists[blocks], calls)
            if not layers:
                raise UserError(
                    f"The modules in {blocks!r} do not each take and return a residual stream (batch, tokens, width) "
                    f"once per forward pass, so they are not layers; {_lists_named(lists)}"
                )
        inside = _branches(layers)
    unembedding = _path_of(network, network.get_output_embeddings())
    return Layout(
        blocks=tuple(call.path for call in layers),
        attention=tuple(_below(call, found.attention) for call, found in zip(layers, inside, strict=True)),
        mlp=tuple(_below(call, found.mlp) for call, found in zip(layers, inside, strict=True)),
        hidden=tuple(_below(call, found.hidden) for call, found in zip(layers, inside, strict=True)),
        final_norm=_final_norm(layers[-1], calls, unembedding),
        unembedding=unembedding,
        embedding=_path_of(network, network.get_input_embeddings()),
        width=layers[-1].output.shape[-1],
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


def _layers(path: str, modules: nn.Module, calls: list[Call]) -> list[Call]:
    """The calls of the list's elements, if they are layers; else none."""
    made = [[call for call in calls if call.module is module] for module in modules.children()]
    if not made or any(len(of_one) != 1 for of_one in made):
        return []
    layers = [replace(call, path=f"{path}.{index}") for index, [call] in enumerate(made)]
    streams = [tensor for call in layers for tensor in (call.input, call.output)]
    if any(tensor.shape != streams[0].shape or tensor.dim() != 3 for tensor in streams):
        return []
    if any(before.end > after.start for before, after in pairwise(layers)):
        return []
    return layers


def _find_list(network: nn.Module, lists: dict[str, nn.Module], calls: list[Call]) -> list[Call]:
    found = [layers for path, module in lists.items() if (layers := _layers(path, module, calls))]
    if not found:
        raise UserError(
            f"No list of layers was found in {type(network).__name__}: none whose modules each take and return one "
            f"residual stream (batch, tokens, width) once per forward pass; {_lists_named(lists)}"
        )
    return max(found, key=lambda layers: (_chained(layers), _size(layers)))


def _chained(layers: list[Call]) -> bool:
    links = [_equal(one.output, two.input) for one, two in pairwise(layers)]
    return sum(links) * 2 >= len(links)


def _size(layers: list[Call]) -> int:
    return sum(parameter.numel() for call in layers for parameter in call.module.parameters())


def _equal(one: Tensor, two: Tensor) -> bool:
    return one.numel() > 0 and one.shape == two.shape and torch.equal(one, two.to(one.device))


def _branches(layers: list[Call]) -> list[Branches]:
    known: dict[tuple[tuple[str, str], ...], Branches] = {}
    found = []
    for call in layers:
        key = signature(call.module)
        if key not in known:
            known[key] = find_branches(call)
        found.append(known[key])
    return found


def _final_norm(last: Call, calls: list[Call], unembedding: str | None) -> str | None:
    """What the stream goes through after the last layer, if it holds no matrix."""
    for call in sorted(calls, key=lambda call: call.start):
        if call.start > last.end and _equal(last.output, call.input) and not _equal(call.input, call.output):
            matrix = any(parameter.dim() > 1 for parameter in call.module.parameters())
            return None if matrix or call.path == unembedding else call.path
    return None


def _path_of(network: nn.Module, wanted: nn.Module | None) -> str | None:
    return next((path for path, module in network.named_modules() if path and module is wanted), None)


def _below(call: Call, path: str | None) -> str | None:
    return None if path is None else f"{call.path}.{path}"


def _lists_named(lists: dict[str, nn.Module]) -> str:
    if not lists:
        return "it has no lists of modules at all."
    names = [f"{path} ({len(list(module.children()))} modules)" for path, module in lists.items()]
    return "name its list by hand (blocks=...), one of: " + ", ".join(names) + "."
