"""Random patches drawn by our own code: what a picture of nothing in particular looks like.

Dead leaves (Matheron 1968; as a model of natural images Lee, Mumford and Huang 2001, "Occlusion models for natural
images"): shapes of all sizes that hide one another, so that edges, flat parts and scales occur as often as in
photographs, without any one pattern. Filled with plain colours, slopes of light, or noise whose power falls with
frequency as that of photographs does.
"""

from __future__ import annotations

import numpy as np

from core.examples.drawing import SIZE, Colours, Field, coordinates, lit
from core.examples.images import Pixels

SMALLEST, LARGEST = 11.0, 150.0  # radius of a leaf in pixels
LEAVES = (12, 220)


def scene(rng: np.random.Generator) -> Pixels:
    """Leaves over a ground, all filled in their own ways."""
    # Most things are nearly grey or brown; a few are not.
    grey = rng.uniform(0, 1, (int(rng.integers(3, 9)), 1))
    palette = np.clip(grey + rng.normal(0, rng.choice([0.05, 0.12, 0.3]), (len(grey), 3)), 0, 1).astype(np.float32)
    rough = [_rough(rng) for _ in range(3)]
    whole = slice(0, SIZE)
    colours = _filled(rng, palette, rough, whole, whole)
    y, x = coordinates()
    number = int(np.exp(rng.uniform(*np.log(LEAVES))))
    for _ in range(number):
        # Radii with a density that falls as their cube: as many leaves at every scale as there is room for.
        low, high = SMALLEST**-2, LARGEST**-2
        radius = float(rng.uniform(high, low) ** -0.5)
        if (inside := _shape(rng, x, y, radius)) is not None:
            rows, columns, mask = inside
            colours[rows, columns][mask] = _filled(rng, palette, rough, rows, columns)[mask]
    return lit(rng, colours)


def _shape(rng: np.random.Generator, x: Field, y: Field, radius: float) -> tuple[slice, slice, np.ndarray] | None:
    """Where a leaf lies: rows and columns around it, and which pixels in them; None outside the picture."""
    centre_x, centre_y = rng.uniform(0, SIZE, 2)
    reach = 1.6 * radius
    rows = slice(max(0, int(centre_y - reach)), min(SIZE, int(centre_y + reach) + 1))
    columns = slice(max(0, int(centre_x - reach)), min(SIZE, int(centre_x + reach) + 1))
    dx, dy = x[rows, columns] - centre_x, y[rows, columns] - centre_y
    angle, stretch = rng.uniform(0, np.pi), rng.uniform(1, 2.2)
    a = (dx * np.cos(angle) + dy * np.sin(angle)) / radius
    b = (dy * np.cos(angle) - dx * np.sin(angle)) / radius * stretch
    kind = rng.integers(3)
    if kind == 0:
        mask = a * a + b * b < 1
    elif kind == 1:
        mask = (np.abs(a) < 0.9) & (np.abs(b) < 0.9)
    else:
        turn = np.arctan2(b, a)
        lobes, phases = rng.uniform(0, 0.3, 3), rng.uniform(0, 2 * np.pi, 3)
        edge = 0.8 + sum(
            lobe * np.sin((n + 2) * turn + phase) for n, (lobe, phase) in enumerate(zip(lobes, phases, strict=True))
        )
        mask = np.hypot(a, b) < edge
    return (rows, columns, mask) if mask.any() else None


def _filled(rng: np.random.Generator, palette: Colours, rough: list[Field], rows: slice, columns: slice) -> Colours:
    """(rows, columns, 3) of a colour of the palette: plain, sloping into another, or rough."""
    one, other = palette[rng.integers(len(palette), size=2)]
    one = np.clip(one + rng.normal(0, 0.06, 3), 0, 1).astype(np.float32)
    shape = rows.stop - rows.start, columns.stop - columns.start
    kind = rng.uniform()
    if kind < 0.4:
        return np.broadcast_to(one, (*shape, 3)).copy()
    if kind < 0.65:
        down, right = np.linspace(0, 1, shape[0])[:, None], np.linspace(0, 1, shape[1])[None]
        share: Field = np.clip(rng.uniform(-1, 1) * down + rng.uniform(-1, 1) * right + 0.5, 0, 1)
    else:
        share = rough[rng.integers(len(rough))][rows, columns] * rng.uniform(0.15, 0.7)
    share = share[..., None].astype(np.float32)
    return one * (1 - share) + other * share


def _rough(rng: np.random.Generator) -> Field:
    """(SIZE, SIZE) 0 to 1: noise whose amplitude falls with frequency to a power of .8 to 1.6."""
    frequency = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.rfftfreq(SIZE)[None])
    frequency[0, 0] = 1.0
    spectrum = np.fft.rfft2(rng.standard_normal((SIZE, SIZE))) / frequency ** rng.uniform(0.8, 1.6)
    spectrum[0, 0] = 0
    noise = np.fft.irfft2(spectrum, s=(SIZE, SIZE))
    return np.clip(0.5 + noise / (4 * noise.std()), 0, 1).astype(np.float32)
