"""Keys and values of rows that are put together, taken apart, and rid of columns that are padding in all rows.

All rows of a batch end in the same column: what is shorter is padded on the left, where the attention mask hides it.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad


def can_be_put_together(cache: Any) -> bool:
    """Whether these are plain keys and values, of which rows can be moved.

    States of recurrent layers and caches of other kinds are not: their rows stay in the batch that they began in.
    """
    from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

    return type(cache) is DynamicCache and all(
        type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in cache.layers
    )


def put_together(cache: Any, other: Any) -> None:
    """Append the rows of `other` to `cache`. Both can be put together, come from one network, and were used."""
    for mine, theirs in zip(cache.layers, other.layers, strict=True):
        if not mine.is_initialized:  # it reads another layer's keys
            continue
        width = max(mine.keys.shape[-2], theirs.keys.shape[-2])
        mine.keys = torch.cat([_padded(mine.keys, width), _padded(theirs.keys, width)])
        mine.values = torch.cat([_padded(mine.values, width), _padded(theirs.values, width)])
        if mine.is_sliding:
            mine.cumulative_length = max(mine.cumulative_length, theirs.cumulative_length)


def taken(cache: Any, rows: Tensor, cut: int) -> Any:
    """A cache of its own of the rows numbered `rows` (n,), without the first `cut` columns."""
    found = copy(cache)
    found.layers = [copy(layer) for layer in cache.layers]
    for layer in found.layers:
        if not layer.is_initialized:
            continue
        kept = layer.keys.shape[-2] - cut
        if layer.is_sliding:  # it holds the last columns of a window alone
            layer.cumulative_length -= cut
            kept = min(layer.cumulative_length, layer.keys.shape[-2])
        start = layer.keys.shape[-2] - kept
        layer.keys, layer.values = layer.keys[:, :, start:][rows], layer.values[:, :, start:][rows]
    return found


def _padded(values: Tensor, width: int) -> Tensor:
    """(rows, heads, tokens, size) with noughts on the left up to `width` tokens."""
    return pad(values, (0, 0, width - values.shape[-2], 0))
