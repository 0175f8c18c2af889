"""The directions that are nearest to each of many: exact, and each pair's cosine is computed once."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.progress import Listener, Progress, silent

BLOCK = 4096  # rows whose cosines with as many others are held at once


@torch.no_grad()
def nearest(rows: Tensor, k: int, *, progress: Listener = silent) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The k others that are nearest to each of (m, d) rows: (m, k) numbers, and their cosines -1 to 1, descending.

    Of equals the lower number comes first. A row of zeros has the cosine 0 with all others. Where there are fewer than
    k others, as many columns as there are.
    """
    unit = rows.float() / rows.float().norm(dim=1, keepdim=True).clamp(min=1e-30)
    m, k = len(unit), max(0, min(k, len(unit) - 1))
    values = torch.full((m, k), -2.0, device=unit.device)
    ids = torch.zeros((m, k), dtype=torch.int32, device=unit.device)
    starts = range(0, m, BLOCK) if k else []
    pairs = 0
    for one in starts:
        for other in range(one, m, BLOCK):
            cosines = unit[one : one + BLOCK] @ unit[other : other + BLOCK].T
            if one == other:
                cosines.fill_diagonal_(-2)  # not its own neighbour
            _merge(values[one : one + BLOCK], ids[one : one + BLOCK], cosines, other)
            if one != other:
                _merge(values[other : other + BLOCK], ids[other : other + BLOCK], cosines.T.contiguous(), one)
            pairs += 1
            total = len(starts) * (len(starts) + 1) // 2
            progress(Progress(m * pairs // total, m, "features", "looking for neighbours"))
    return ids.cpu().numpy(), values.clamp(-1, 1).cpu().numpy()


def _merge(values: Tensor, ids: Tensor, cosines: Tensor, start: int) -> None:
    """Bring into the best so far (n, k), in place, those of further cosines (n, p) with others numbered from `start`.

    Blocks come in the order of their numbers, so that of equals those that are there already go first.
    """
    k = values.shape[1]
    found = cosines.topk(min(k + 1, cosines.shape[1]), dim=1)
    # Which of equals a topk takes, and in what order, is open.
    numbers, order = found.indices.sort(dim=1)
    best, places = found.values.gather(1, order).sort(dim=1, descending=True, stable=True)
    numbers = numbers.gather(1, places)
    if best.shape[1] > k:
        tied = (best[:, k - 1] == best[:, k]).nonzero()[:, 0]
        again, places = cosines[tied].sort(dim=1, descending=True, stable=True)
        best[tied], numbers[tied] = again[:, : k + 1], places[:, : k + 1]
    both = torch.cat([values, best[:, :k]], dim=1)
    all_ids = torch.cat([ids, (numbers[:, :k] + start).int()], dim=1)
    merged, places = both.sort(dim=1, descending=True, stable=True)
    values.copy_(merged[:, :k])
    ids.copy_(all_ids.gather(1, places[:, :k]))
