"""What drawings are made of: coordinates, soft edges, noise, colours and light."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.examples.images import Pixels

SIZE = 256  # pixels along an edge, what most networks for images crop from

Field = NDArray[np.floating]  # (SIZE, SIZE)
Colours = NDArray[np.floating]  # (..., 3), 0 to 1


def coordinates() -> tuple[Field, Field]:
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    return y, x


def wave(rng: np.random.Generator, period: float) -> Field:
    size = rng.uniform(0, 0.5) * period
    return size * smooth_noise(rng, rng.uniform(0.4, 1.2) * SIZE)


def band(u: Field, width: float, soft: float) -> Field:
    """1 in the middle `width` of every period of u, 0 elsewhere."""
    return step(width / 2 - np.abs(u % 1 - 0.5), soft)


def step(x: Field, soft: float) -> Field:
    """0 below and 1 above zero, within `soft` on either side by degrees."""
    return np.clip(0.5 + x / (2 * soft), 0, 1).astype(np.float32)


def two_colours(rng: np.random.Generator) -> tuple[Colours, Colours]:
    """Two colours whose brightness differs by .25 at least; a third of the pairs are black, white and greys."""
    grey = rng.uniform() < 1 / 3
    while True:
        pair = rng.uniform(0, 1, (2, 3)).astype(np.float32)
        if grey:
            pair = np.repeat(pair[:, :1], 3, axis=1)
        bright = pair @ np.array([0.299, 0.587, 0.114], np.float32)
        if abs(bright[0] - bright[1]) >= 0.25:
            return pair[0], pair[1]


def lit(rng: np.random.Generator, colours: Colours, *, strength: float = 0.3) -> Pixels:
    """Colours 0 to 1 under uneven light, with grain, as pixels."""
    light = 1 + strength * rng.uniform() * smooth_noise(rng, rng.uniform(0.6, 1.5) * SIZE)
    grain = rng.uniform(0, 0.04) * rng.standard_normal((SIZE, SIZE, 1)).astype(np.float32)
    return (np.clip(colours * light[..., None] + grain, 0, 1) * 255 + 0.5).astype(np.uint8)


def smooth_noise(rng: np.random.Generator, period: float) -> Field:
    """Random values at the corners of squares `period` pixels wide, between them interpolated."""
    cells = max(2, int(np.ceil(SIZE / max(period, 1.0))) + 2)
    values = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
    at = (np.arange(SIZE, dtype=np.float32) / max(period, 1.0)) % (cells - 1)
    low = np.floor(at).astype(int)
    part = at - low
    part = part * part * (3 - 2 * part)
    rows = values[low] * (1 - part)[:, None] + values[low + 1] * part[:, None]
    return rows[:, low] * (1 - part) + rows[:, low + 1] * part
