"""Putting a function on a site for as long as a `with` block lasts.

Reading, gradients and edits are all functions put here. (Only `find_layout`, which looks at a network before it is
a Model that anybody shares, and `head_of`, under the model's lock, register hooks of their own: see trace.py.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

from core.errors import UserError
from core.models.loaded import Loaded
from core.models.site import Site
from core.models.spread import put_on

# What stands on a site: takes what flows through, (batch, tokens, width) or (batch, channels, height, width), and
# returns what shall flow on. Returning None lets it pass untouched. A few MLPs see their tokens as one long row,
# (batch * tokens, width).
OnSite = Callable[[Tensor], "Tensor | None"]


@contextmanager
def on_sites(model: Loaded, functions: Mapping[Site, OnSite]) -> Iterator[None]:
    """Put each function on its site; take them all off at the end, whatever happens.

    Holds the model's lock from beginning to end, so that no other thread's forward pass meets them.
    Functions put on the same site by nested blocks run in the order in which they were put.

    Of a model that is spread over devices they get what flows on the model's own, whichever layer it is, so that their
    tensors meet those of other layers and of masks; what they return goes on where it came from.

    Raises UserError at the end where the model's files changed since it was opened: the numbers may be those of others.
    """
    with model.lock, ExitStack() as stack:
        for site, given in functions.items():
            function = _at_home(given, model.device)
            module = model.network.get_submodule(site.module)
            if site.side == "output":
                handle = module.register_forward_hook(_on_output(site, function))
            else:
                handle = module.register_forward_pre_hook(_on_input(site, function), with_kwargs=True)
            stack.callback(handle.remove)
        yield
        model.require_unchanged()


def _at_home(function: OnSite, home: torch.device) -> OnSite:
    def moved(h: Tensor) -> Tensor | None:
        changed = function(h.to(home))
        return None if changed is None else put_on(changed, h)

    return moved


def _on_output(site: Site, function: OnSite) -> Callable[..., Any]:
    def hook(_module: torch.nn.Module, _args: Any, output: Any) -> Any:
        among_others = isinstance(output, tuple | list)
        changed = function(_checked(site, output[0] if among_others else output))
        if changed is None:
            return None
        return type(output)([changed, *output[1:]]) if among_others else changed

    return hook


def _on_input(site: Site, function: OnSite) -> Callable[..., Any]:
    def hook(_module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if args and isinstance(args[0], Tensor):
            changed = function(_checked(site, args[0]))
            return None if changed is None else ((changed, *args[1:]), kwargs)
        # Blocks that are called by keyword alone name their stream `hidden_states` throughout transformers.
        changed = function(_checked(site, kwargs.get("hidden_states")))
        return None if changed is None else (args, {**kwargs, "hidden_states": changed})

    return hook


def _checked(site: Site, value: Any) -> Tensor:
    if not isinstance(value, Tensor) or value.dim() < 2:
        raise UserError(f"{site} carries {type(value).__name__}, not activations; choose another site.")
    return value
