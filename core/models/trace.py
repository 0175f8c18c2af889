"""What goes into and comes out of modules during a forward pass, and how such a pass leaves no trace behind.

One convention holds for the whole project (see hooks.py): the input of a module is its first positional argument, or
else its keyword `hidden_states`; its output is what it returns, or the first of the tuple or list that it returns.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import UserError
from core.models.spread import first_device, places_of, put_on


@dataclass(frozen=True, eq=False)
class Call:
    """One call of one module.

    input, output: empty tensors where there is none, or it was not kept.
    start, end: ticks of one clock, so that calls can be ordered and nested.
    """

    path: str
    module: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    input: Tensor
    output: Tensor
    start: int
    end: int


def input_of(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    """The input of a module that is called with `args` and `kwargs`."""
    given = args[0] if args else kwargs.get("hidden_states")
    return given if isinstance(given, Tensor) else None


def with_input(args: tuple[Any, ...], kwargs: Mapping[str, Any], new: Tensor) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The same call with `new` in the place of its input."""
    was = input_of(args, kwargs)
    new = new if was is None else put_on(new, was)
    return ((new, *args[1:]), dict(kwargs)) if args else ((), {**kwargs, "hidden_states": new})


def output_of(output: Any) -> Tensor | None:
    """The output of a module that returned `output`."""
    given = output[0] if isinstance(output, tuple | list) and output else output
    return given if isinstance(given, Tensor) else None


def with_output(output: Any, new: Tensor) -> Any:
    """What the module returned, with `new` in the place of its output."""
    was = output_of(output)
    new = new if was is None else put_on(new, was)
    return type(output)((new, *output[1:])) if isinstance(output, tuple | list) else new


@contextmanager
def untouched(network: nn.Module) -> Iterator[None]:
    """Eval mode without gradients inside; training modes and random states are as before afterwards."""
    training = [(module, module.training) for module in network.modules()]
    devices = {parameter.device.index or 0 for parameter in network.parameters() if parameter.device.type == "cuda"}
    with torch.random.fork_rng(devices=sorted(devices)), torch.no_grad():
        try:
            network.eval()
            yield
        finally:
            for module, was in training:
                module.training = was


@contextmanager
def hooked(handles: Iterable[Callable[[], Any]]) -> Iterator[None]:
    """Hooks that are put on one by one by calling `handles`, and all taken off, also when putting one on fails."""
    done: list[Any] = []
    try:
        for register in handles:
            done.append(register())
        yield
    finally:
        for handle in done:
            handle.remove()


def watch(
    modules: Iterable[tuple[str, nn.Module]], run: Callable[[], Any], keep: Callable[[Tensor], bool] = lambda _: True
) -> list[Call]:
    """The calls of `modules` during `run()`, in the order in which they end.

    Inputs and outputs are copies, since models add to a residual in place; those that `keep` refuses are left out.
    """
    calls: list[Call] = []
    open_calls: dict[int, list[tuple[int, Tensor]]] = {}
    clock = iter(range(1 << 62))

    def copied(tensor: Tensor | None) -> Tensor:
        return tensor.detach().clone() if tensor is not None and keep(tensor) else torch.empty(0)

    def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        open_calls.setdefault(id(module), []).append((next(clock), copied(input_of(args, kwargs))))

    def after_(path: str) -> Callable[..., None]:
        def after(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            start, given = open_calls[id(module)].pop()
            calls.append(Call(path, module, args, kwargs, given, copied(output_of(output)), start, next(clock)))

        return after

    watched = list(modules)
    with hooked(
        [
            *(partial(m.register_forward_pre_hook, before, with_kwargs=True) for _, m in watched),
            *(partial(m.register_forward_hook, after_(p), with_kwargs=True) for p, m in watched),
        ]
    ):
        run()
    return calls


def token_ids(network: nn.Module, batch: int, tokens: int) -> Tensor:
    """Different token ids, int64 (batch, tokens), that the network's embedding has, on the embedding's device."""
    embedding = network.get_input_embeddings()  # type: ignore[operator]
    weight = getattr(embedding, "weight", None)
    entries = weight.shape[0] if isinstance(weight, Tensor) and weight.dim() == 2 else batch * tokens
    device = weight.device if isinstance(weight, Tensor) else next(network.parameters()).device
    if device.type == "meta":  # it lies elsewhere, and is brought when it is needed
        device = first_device(places_of(network))
    # Low ids are special tokens in most vocabularies (padding is masked, image tokens want an image).
    first = min(10, max(0, entries - batch * tokens))
    ids = (first + torch.arange(batch * tokens)) % entries
    return ids.reshape(batch, tokens).to(device)


def run_tokens(network: nn.Module, ids: Tensor) -> Any:
    """One forward pass over token ids without a cache."""
    accepts = inspect.signature(network.forward).parameters
    options = {"use_cache": False} if {"use_cache", "kwargs"} & set(accepts) else {}
    try:
        return network(input_ids=ids, **options)
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(f"{type(network).__name__} does not run on token ids alone ({reason}).") from error
