"""Real pushes on texts: how the target changes when a direction is added where the activations are pooled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from core.activations import Pool
from core.activations.extract import is_out_of_memory
from core.activations.recipe import BATCH_TOKENS
from core.errors import UserError
from core.models import Model, Site, batch, counted_positions, edit, tokenize
from core.models.recording import forward
from core.progress import Listener, Progress, silent
from core.tcav.gradients import pooled_positions
from core.tcav.reading import with_target
from core.tcav.targets import Target


def pushed_values(
    model: Model,
    target: Target,
    texts: Sequence[str],
    site: Site,
    pushes: np.ndarray,
    *,
    pool: Pool = "mean",
    max_length: int = 256,
    progress: Listener = silent,
) -> np.ndarray:
    """The target's values (k, m) under each of `pushes` (k, d), in the activations' own units, on each of m texts.

    A push is added at exactly the positions whose activations are pooled; a push of zeros is the plain model.
    """
    ids = tokenize(model, texts, max_length)
    jobs = [
        (text, push)
        for text in sorted(range(len(ids)), key=lambda row: (-len(ids[row]), row))
        for push in range(len(pushes))
    ]
    values = np.zeros((len(pushes), len(ids)))
    moves = torch.from_numpy(np.asarray(pushes)).to(device=model.device, dtype=model.dtype)
    allowance = BATCH_TOKENS.get(model.device.type, BATCH_TOKENS["cpu"])
    done = 0
    while done < len(jobs):
        progress(Progress(done, len(jobs), "pushes", f"pushing in {model.id}"))
        longest = len(ids[jobs[done][0]])
        chunk = jobs[done : done + max(1, allowance // longest)]
        try:
            read = _pushed(model, target, [ids[text] for text, _ in chunk], site, moves[[p for _, p in chunk]], pool)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if len(chunk) == 1:
                raise UserError(
                    f"There is not enough memory for one text of {longest} tokens; use a smaller --max-length."
                ) from error
            allowance = len(chunk) * longest // 2
            continue
        for (text, push), value in zip(chunk, read.tolist(), strict=True):
            values[push, text] = value
        done += len(chunk)
    if not np.isfinite(values).all():
        raise UserError(f"A push at {site} is too large for {model.dtype_name} numbers; open the model in float32.")
    return values


def _pushed(
    model: Model, target: Target, ids: Sequence[Sequence[int]], site: Site, moves: Tensor, pool: Pool
) -> Tensor:
    inputs = batch(model, ids)
    counted = counted_positions(model, inputs)
    asked, scalar = with_target(model, inputs, target)

    def push(h: Tensor) -> Tensor:
        shaped = h.reshape(*counted.shape, -1)
        there = pooled_positions(shaped, counted, pool)
        return (shaped + moves[:, None, :] * there[:, :, None].to(h.dtype)).reshape(h.shape)

    with torch.no_grad(), edit(model, {site: push}):
        return scalar(forward(model, asked)).cpu()
