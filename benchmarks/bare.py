"""The limit: a network cut off after a block, run over ready-made batches, keeping nothing."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch

from core.activations.recipe import BATCH_TOKENS
from core.models import Model, batch, record, tokenize

Batches = list[dict[str, torch.Tensor]]


def sorted_batches(model: Model, texts: Sequence[str], max_length: int) -> Batches:
    """Padded batches of texts sorted by length, as large as those of our recorder."""
    waiting = sorted(tokenize(model, texts, max_length), key=len, reverse=True)
    batches = []
    while waiting:
        size = max(1, BATCH_TOKENS[model.device.type] // len(waiting[0]))
        batches.append(batch(model, waiting[:size]))
        waiting = waiting[size:]
    return batches


def real_tokens(batches: Batches) -> int:
    """Tokens without padding."""
    return sum(int(inputs["attention_mask"].sum()) for inputs in batches)


def truncated(model: Model, layer: int) -> Any:
    """The network up to and with block `layer`, sharing all weights; no final norm, no unembedding.

    Checked to give what our recorder gives, bit for bit.
    """
    whole = model.network.model
    cut = copy.copy(whole)
    cut.__dict__ = {**whole.__dict__, "_modules": dict(whole._modules)}
    cut.layers = whole.layers[: layer + 1]
    cut.norm = torch.nn.Identity()
    inputs = batch(model, tokenize(model, ["The cut network and the whole one agree.", "A shorter text."], 64))
    site = model.site(layer)
    if not torch.equal(run_bare(cut, [inputs])[0], record(model, inputs, [site])[site]):
        raise AssertionError("the truncated network computes something else; this comparison would mean nothing")
    return cut


def run_bare(cut: Any, batches: Batches) -> list[torch.Tensor]:
    """Forward every batch; returns the last one's activations alone, since keeping all would cost memory traffic."""
    last = torch.empty(0)
    with torch.inference_mode():
        for inputs in batches:
            last = cut(**inputs, use_cache=False).last_hidden_state
    return [last]
