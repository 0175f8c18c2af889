"""Who is near to whom: the weighted graph that UMAP draws.

McInnes, Healy, Melville 2018, "UMAP: Uniform Manifold Approximation and Projection", section 3.1 and algorithms 2, 3.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.progress import Listener, Progress, silent

COSINES = 1 << 25  # that are held at once
HALVINGS = 64


def nearest(rows: Tensor, k: int, *, progress: Listener = silent) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The k nearest other rows of each of (m, d), by 1 - cosine: (m, k) places and (m, k) distances 0 to 2, ascending.

    A row of zeros has the distance 1 to all.
    """
    unit = rows.float() / rows.float().norm(dim=1, keepdim=True).clamp(min=1e-30)
    m, step = len(unit), max(1, COSINES // len(unit))
    ids, distances = np.zeros((m, k), dtype=np.int64), np.zeros((m, k))
    for at in range(0, m, step):
        own = unit[at : at + step] @ unit.T
        here = torch.arange(len(own), device=own.device)
        own[here, at + here] = -2.0  # not its own neighbour
        best = own.topk(k, dim=1)
        ids[at : at + len(own)] = best.indices.cpu().numpy()
        distances[at : at + len(own)] = (1 - best.values.double()).clamp(0, 2).cpu().numpy()
        progress(Progress(min(at + step, m), m, "features", "looking for neighbours"))
    return ids, distances


def bandwidths(distances: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """rho (m,), the distance to the nearest, and sigma (m,) for which sum_j exp(-max(0, d_j - rho) / sigma) = log2 k.

    distances: (m, k) ascending. Where all are equal sigma is as small as is kept apart from 0.
    """
    k = distances.shape[1]
    rho = distances[:, 0]
    away = np.maximum(distances - rho[:, None], 0)
    floor = np.maximum(1e-3 * distances.mean(axis=1), 1e-12)
    low, high = np.zeros(len(distances)), np.full(len(distances), 1e3)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        total = np.exp(-away / np.maximum(middle, 1e-300)[:, None]).sum(axis=1)
        above = total > np.log2(k)
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return rho, np.maximum((low + high) / 2, floor)


def fuzzy_graph(
    ids: NDArray[np.int64], distances: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Edges i, j (e,), each pair in both directions, and weights 0 to 1: w_ij + w_ji - w_ij w_ji of one-sided ones."""
    m, k = ids.shape
    rho, sigma = bandwidths(distances)
    own = np.exp(-np.maximum(distances - rho[:, None], 0) / sigma[:, None]).ravel()
    i, j = np.repeat(np.arange(m), k), ids.ravel()
    low, high = np.minimum(i, j), np.maximum(i, j)
    pairs, place = np.unique(low * m + high, return_inverse=True)
    # A pair stands there once or twice; of both weights together the probability that at least one edge exists.
    missing = np.ones(len(pairs))
    np.multiply.at(missing, place, 1 - own)
    weight = 1 - missing
    first, second = pairs // m, pairs % m
    return np.concatenate([first, second]), np.concatenate([second, first]), np.concatenate([weight, weight])
