"""Points in the plane that keep a weighted graph's neighbours together: UMAP's layout by sampled gradients.

McInnes, Healy, Melville 2018, algorithm 5. Edges pull their ends together as often as their weight says; five random
points push each of them away.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.progress import Listener, Progress, silent

# 1 / (1 + A d^(2 B)) fitted to 1 below the distance 0.1 and to exp(-(d - 0.1)) above: their min_dist and spread.
A, B = 1.5769, 0.8951
PUSHES = 5  # random points per pull
CLIP = 4.0  # the longest step along an axis
PARTS = 16  # in which an epoch's pulls are made, so that few of a part concern one point
EPOCHS, FEWER, MANY = 400, 200, 10_000


def layout(
    start: NDArray[np.float64],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    weight: NDArray[np.float64],
    *,
    seed: int = 0,
    epochs: int | None = None,
    progress: Listener = silent,
) -> NDArray[np.float64]:
    """(m, 2) points, from `start` (m, 2). i, j, weight: (e,) edges, each pair in both directions."""
    chance = np.random.default_rng(seed)
    points = start.astype(np.float64).copy()
    m = len(points)
    epochs = epochs or (EPOCHS if m <= MANY else FEWER)
    rate = weight / weight.max()
    for epoch in range(epochs):
        due = np.flatnonzero(np.floor((epoch + 1) * rate) > np.floor(epoch * rate))
        chance.shuffle(due)
        length = 1 - epoch / epochs
        for part in np.array_split(due, PARTS):
            _move(points, i[part], j[part], length, chance)
        progress(Progress(epoch + 1, epochs, "rounds", "drawing the map"))
    return points - points.mean(axis=0)


def _move(
    points: NDArray[np.float64], i: NDArray[np.int64], j: NDArray[np.int64], length: float, chance: np.random.Generator
) -> None:
    m = len(points)
    apart = points[i] - points[j]
    pull = length * np.clip(pulling((apart**2).sum(axis=1))[:, None] * apart, -CLIP, CLIP)
    others = chance.integers(m, size=(len(i), PUSHES))
    away = points[i][:, None] - points[others]
    push = pushing((away**2).sum(axis=2))[:, :, None] * away
    push[others == i[:, None]] = 0
    push = length * np.clip(push, -CLIP, CLIP).sum(axis=1)
    for axis in range(2):
        points[:, axis] += np.bincount(i, weights=pull[:, axis] + push[:, axis], minlength=m)
        points[:, axis] -= np.bincount(j, weights=pull[:, axis], minlength=m)


def pulling(square: NDArray[np.float64]) -> NDArray[np.float64]:
    """Factor of (y_i - y_j) in the gradient of log 1 / (1 + A d^2B), by the squared distance; 0 for one point."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = -2 * A * B * square ** (B - 1) / (1 + A * square**B)
    return np.where(square > 0, found, 0.0)


def pushing(square: NDArray[np.float64]) -> NDArray[np.float64]:
    """Factor of (y_i - y_j) in the gradient of log (1 - 1 / (1 + A d^2B)), kept from growing without bound near 0."""
    return 2 * B / ((0.001 + square) * (1 + A * square**B))
