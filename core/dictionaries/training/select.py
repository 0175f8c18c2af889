"""Which codes are on, from pre-activations (n, m): their values and where they are."""

from __future__ import annotations

import torch
from torch import Tensor

from core.dictionaries.training.sparse import Pattern

Selected = tuple[Tensor, Pattern]


def top_of_each(pre: Tensor, k: int) -> Selected:
    """The k largest of each token; values (n * k,) with what is below 0 cut at 0; features in ascending order."""
    n, m = pre.shape
    cols = pre.topk(k, dim=1, sorted=False).indices.sort(dim=1).values
    rows = torch.arange(n, device=pre.device).repeat_interleave(k)
    return pre.gather(1, cols).flatten().relu(), Pattern(rows, cols.flatten(), n, m)


def top_of_all(pre: Tensor, k: int) -> Selected:
    """The n * k largest positive ones of all tokens together: k of each on average.

    A sort of all n * m of them would take longer than the rest of a step. Only the few largest of each token can be
    among them; how many those are is guessed, and the guess is made larger where it was too small.
    """
    n, m = pre.shape
    wanted = min(n * k, n * m)
    width = min(4 * k, m)
    while True:
        values, cols = pre.topk(width, dim=1)
        floor = values.flatten().topk(wanted).values[-1].clamp(min=0)
        # Sound if no token's last candidate is among the chosen: then none was left out.
        if width == m or not bool((values[:, -1] > floor).any()):
            break
        width = min(2 * width, m)
    chosen = (values >= floor) & (values > 0)
    return _picked(pre, chosen, cols)


def top_by_norm(pre: Tensor, norms: Tensor, target: Tensor) -> Selected:
    """For each token as many of the largest codes as bring their norm nearest to `target` (n, 1); at least one.

    The rule of `core.dictionaries.sae.codes.topafa`, without sorting more than is needed.
    """
    m = pre.shape[1]
    scaled = pre.relu() * norms
    width = min(256, m)
    while True:
        sizes, cols = scaled.topk(width, dim=1)
        lengths = sizes.square().cumsum(dim=1).sqrt()
        # Sound if no token is still below its target with codes left to add.
        if width == m or not bool(((lengths[:, -1:] < target) & (sizes[:, -1:] > 0)).any()):
            break
        width = min(4 * width, m)
    last = (lengths - target).abs().argmin(dim=1, keepdim=True)
    chosen = (torch.arange(width, device=pre.device) <= last) & (sizes > 0)
    return _picked(pre, chosen, cols)


def _picked(pre: Tensor, chosen: Tensor, cols: Tensor) -> Selected:
    """Values and pattern of the chosen (n, width) among candidates at `cols` (n, width)."""
    n, m = pre.shape
    # Features in ascending order within each token; those not chosen go behind all others.
    ordered = cols.masked_fill(~chosen, m).sort(dim=1).values
    kept = ordered < m
    rows = torch.arange(n, device=pre.device)[:, None].expand_as(ordered)[kept]
    cols = ordered[kept]
    return pre[rows, cols].relu(), Pattern(rows, cols, n, m)
