"""From the activations of a batch of texts to what is stored of them."""

from __future__ import annotations

import torch
from torch import Tensor

from core.activations.sinks import SINK_RATIO


def kept_tokens(h: Tensor, counted: Tensor, *, keep_sinks: bool) -> Tensor:
    """Which tokens are kept: those that count and are no sinks. Boolean (batch, tokens), on h's device.

    h: (batch, tokens, width). counted: boolean (batch, tokens), False for first and special tokens and padding.
    Attention sinks carry norms a hundred times those of other tokens, and one of them would decide any
    mean. They are told within their own text, so that what is stored of a text depends on nothing else.
    """
    if keep_sinks:
        return counted
    norms = torch.linalg.vector_norm(h.float(), dim=-1)
    ordered = norms.masked_fill(~counted, torch.inf).sort(dim=1).values
    # The lower median: with two tokens, one of them a sink, the other one sets the scale.
    middle = (counted.sum(dim=1, keepdim=True) - 1).clamp(min=0) // 2
    return counted & (norms <= SINK_RATIO * ordered.gather(1, middle))


def pool_batch(h: Tensor, kept: Tensor, pool: str) -> list[Tensor]:
    """What is stored of each text: (width,) float32 for "mean" and "last", (kept tokens, width) for "none".

    h: (batch, tokens, width), kept: boolean (batch, tokens). A text of which no token is kept gives NaN in a
    pooled store, which the manifest counts and every reader leaves out.
    """
    if pool == "none":
        return [row[chosen].cpu() for row, chosen in zip(h, kept, strict=True)]
    counts = kept.sum(dim=1)
    if pool == "mean":
        weights = kept.float() / counts.clamp(min=1)[:, None]
        # A weight of 0 does not take out what is not finite, as a first token may be in half precision.
        pooled = torch.bmm(weights[:, None, :], h.float().masked_fill(~kept[..., None], 0.0))[:, 0]
    else:
        positions = torch.arange(h.shape[1], device=h.device).expand_as(kept)
        last = positions.masked_fill(~kept, 0).amax(dim=1)
        pooled = h[torch.arange(len(h), device=h.device), last].float()
    return list(pooled.masked_fill((counts == 0)[:, None], torch.nan).cpu().unbind())
