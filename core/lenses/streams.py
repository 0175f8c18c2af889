"""Texts as streams of their tokens, in rounds small enough to be held in memory at all layers at once."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from core.activations.pooling import kept_tokens
from core.errors import UserError
from core.examples.grouping import group_rows
from core.models import Model, Site, batch, counted_positions, record

PADDED_TOKENS = {"cpu": 1024}  # of a forward pass
PADDED_TOKENS_ELSEWHERE = 4096


def hold_out(texts: Sequence[str], wanted: int, seed: int) -> tuple[list[int], list[int]]:
    """Rows to train on and rows held out, about `wanted` but at most a quarter; equal texts stay together."""
    groups = group_rows(texts)
    order = list(range(int(groups.max()) + 1))
    random.Random(seed).shuffle(order)  # noqa: S311 (a sample, not a secret)
    most = min(wanted, len(order) // 4)
    if most < 2:
        raise UserError(
            f"There are only {len(order)} different texts; a lens needs 8 at the least, and 1,000 to be good."
        )
    held = set(order[:most])
    rows = list(enumerate(groups.tolist()))
    return [row for row, group in rows if group not in held], [row for row, group in rows if group in held]


def rounds(ids: Sequence[Sequence[int]], rows: Sequence[int], most: int, seed: int, epoch: int) -> list[list[int]]:
    """`rows` in a random order that seed and epoch decide, in rounds of `most` tokens, unless one text is longer."""
    order = list(rows)
    random.Random(f"{seed} {epoch}").shuffle(order)  # noqa: S311
    found: list[list[int]] = [[]]
    tokens = 0
    for row in order:
        if found[-1] and tokens + len(ids[row]) > most:
            found.append([])
            tokens = 0
        found[-1].append(row)
        tokens += len(ids[row])
    return found


def read_streams(
    model: Model, ids: Sequence[Sequence[int]], rows: Sequence[int], sites: Sequence[Site]
) -> tuple[dict[Site, Tensor], np.ndarray]:
    """Streams (tokens, width) float32 at each site of the kept tokens of `rows`, and the row of each token.

    A token is kept if it is neither first nor special, and a sink at none of the sites.
    """
    allowed = PADDED_TOKENS.get(model.device.type, PADDED_TOKENS_ELSEWHERE)
    waiting = sorted(rows, key=lambda row: (-len(ids[row]), row))
    found: dict[Site, list[Tensor]] = {site: [] for site in sites}
    origin: list[Tensor] = []
    while waiting:
        size = max(1, allowed // len(ids[waiting[0]]))
        chunk, waiting = waiting[:size], waiting[size:]
        inputs = batch(model, [ids[row] for row in chunk])
        streams = record(model, inputs, sites)
        counted = counted_positions(model, inputs)
        kept = counted.clone()
        for h in streams.values():
            kept &= kept_tokens(h, counted, keep_sinks=False)
        for site, h in streams.items():
            found[site].append(h[kept].float())
        origin.append(torch.tensor(chunk)[:, None].expand(kept.shape)[kept.cpu()])
    streams = {site: torch.cat(parts) for site, parts in found.items()}
    if not all(bool(h.isfinite().all()) for h in streams.values()):
        raise UserError(f"Some activations are not finite in {model.dtype_name}; open the model in float32.")
    return streams, torch.cat(origin).numpy()


def spread(origin: np.ndarray, per_text: int) -> np.ndarray:
    """Places of at most `per_text` tokens of each text, evenly over it."""
    chosen: list[int] = []
    for row in dict.fromkeys(origin.tolist()):
        places = np.flatnonzero(origin == row)
        if len(places) > per_text:
            places = places[np.linspace(0, len(places) - 1, per_text).round().astype(int)]
        chosen += places.tolist()
    return np.array(chosen, dtype=np.int64)
