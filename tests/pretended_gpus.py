"""A tiny model over two pretended devices, whose tensors have shapes and no numbers.

torch refuses to mix tensors of two of them, as it does for those of real GPUs: what runs here moves all that it has to.
Run as `python -m tests.pretended_gpus DIRECTORY`.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import torch
from accelerate.hooks import AlignDevicesHook, add_hook_to_module
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

from core.models import Model, batch, edit, gradients, open_model, record, tokenize
from core.models.head import Head
from core.models.recording import forward

FIRST, SECOND = (torch.device("privateuseone", number) for number in (0, 1))


def on_two(model: Model) -> Any:
    """A network built like the model's, its first two layers and what precedes them on FIRST, the rest on SECOND.

    With the hooks that accelerate puts on a network that it spreads over GPUs.
    """
    network = type(model.network)(model.network.config).eval().requires_grad_(False)
    second = [*model.layout.blocks[2:], model.layout.final_norm, model.layout.unembedding]
    for path, module in network.named_modules():
        device = SECOND if any(one and (path == one or path.startswith(f"{one}.")) for one in second) else FIRST
        for name, tensor in [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]:
            there = torch.empty(tensor.shape, dtype=tensor.dtype, device=device)
            kept = module._parameters if isinstance(tensor, nn.Parameter) else module._buffers
            kept[name] = nn.Parameter(there, False) if isinstance(tensor, nn.Parameter) else there
        if path and (path in model.layout.blocks or not any(True for _ in module.children())):
            add_hook_to_module(module, AlignDevicesHook(execution_device=device))
    add_hook_to_module(network, AlignDevicesHook(execution_device=FIRST, io_same_device=True))
    return network


def of_last(output: Any) -> Tensor:
    return output.logits[:, -1, 5] - output.logits[:, -1, 9]


def run(directory: str) -> None:
    plain = open_model(directory, device="cpu")
    inputs = batch(plain, tokenize(plain, ["The film was good.", "Nobody came, and it rained."], 64))
    _setup_privateuseone_for_python_backend()
    with FakeTensorMode(allow_non_fake_inputs=True):
        network = on_two(plain)
        model = replace(plain, network=network, device=FIRST)
        given = {name: torch.empty(one.shape, dtype=one.dtype, device=FIRST) for name, one in inputs.items()}
        assert {parameter.device for parameter in network.parameters()} == {FIRST, SECOND}
        try:
            torch.empty(2, device=FIRST) + torch.empty(2, device=SECOND)
        except RuntimeError:
            print("found")
        sites = [model.site(0), model.site(3), model.site(2, "before"), model.site(3, "mlp"), model.site(3, "hidden")]
        found = record(model, given, sites)
        torch.stack([found[sites[0]], found[sites[1]]])[:, given["attention_mask"] * 0]  # as callers do
        print("read")
        # torch's backward engine asks for a real device; the pass before it, with its leaves, is the same.
        with patch("torch.autograd.grad", lambda _value, leaves, **_: [torch.empty_like(leaf) for leaf in leaves]):
            values, slopes = gradients(model, given, sites, of_last)
        assert {one.device for one in (values, *slopes.values())} == {FIRST}
        print("differentiated")
        push, met = torch.empty(model.width, device=FIRST), []

        def pushing(h: Tensor) -> Tensor:
            met.append(h.device)
            return h + push * given["attention_mask"][..., None]

        with torch.no_grad(), edit(model, {model.site(0): pushing, model.site(3): pushing}):
            assert forward(model, given).logits.device == FIRST
        assert met == [FIRST, FIRST]
        print("pushed")
        paths = [path for path in (model.layout.final_norm, model.layout.unembedding) if path]
        head = Head(tuple((1.0, network.get_submodule(path)) for path in paths))
        assert head.through(found[sites[1]]).device == FIRST
        print("worded")


if __name__ == "__main__":
    run(sys.argv[1])
