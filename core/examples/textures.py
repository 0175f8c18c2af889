"""Textures at many scales, angles, contrasts and colours, and plain colours, drawn by our own code."""

from __future__ import annotations

import colorsys
from collections.abc import Callable

import numpy as np

from core.examples.drawing import SIZE, Field, band, coordinates, lit, smooth_noise, step, two_colours, wave
from core.examples.images import Pixels

FINEST, COARSEST = 9.0, 56.0  # pixels from one stripe, dot or cell to the next

Drawing = Callable[[np.random.Generator], Pixels]


def _texture(pattern: Callable[[np.random.Generator, Field, Field, float], Field]) -> Drawing:
    """A drawing of a pattern in two colours, seen at some angle and scale, a little bent, under some light.

    The pattern takes coordinates (u, v), in which one period is 1, and the softness of edges in these units; it
    returns the share of the second colour, 0 to 1.
    """

    def draw(rng: np.random.Generator) -> Pixels:
        period = float(np.exp(rng.uniform(np.log(FINEST), np.log(COARSEST))))
        angle = rng.uniform(0, np.pi)
        y, x = coordinates()
        # Slow waves, as of cloth that does not lie flat; seldom more than half a period.
        x, y = x + wave(rng, period), y + wave(rng, period)
        u = (x * np.cos(angle) + y * np.sin(angle)) / period + rng.uniform()
        v = (y * np.cos(angle) - x * np.sin(angle)) / period + rng.uniform()
        share = pattern(rng, u, v, rng.uniform(0.7, 2.5) / period)[..., None]
        one, other = two_colours(rng)
        return lit(rng, one * (1 - share) + other * share)

    return draw


def _striped(rng: np.random.Generator, u: Field, v: Field, soft: float) -> Field:
    return band(u, rng.uniform(0.3, 0.7), soft)


def _zigzagged(rng: np.random.Generator, u: Field, v: Field, soft: float) -> Field:
    length, height = rng.uniform(1.0, 2.5), rng.uniform(0.5, 1.2)
    corner = np.abs((v / length) % 1 - 0.5) * 2
    return band(u + height * corner, rng.uniform(0.3, 0.7), soft)


def _dotted(rng: np.random.Generator, u: Field, v: Field, soft: float) -> Field:
    if rng.uniform() < 0.5:
        u = u + 0.5 * (np.floor(v) % 2)  # every other row between the dots of its neighbours
    radius, jitter = rng.uniform(0.2, 0.36), rng.uniform(0, 0.13)
    row, column = np.floor(v).astype(int), np.floor(u).astype(int)
    table = rng.uniform(-jitter, jitter, (2, 64, 64)).astype(np.float32)
    aside, up = table[0][row % 64, column % 64], table[1][row % 64, column % 64]
    distance = np.hypot(u % 1 - 0.5 + aside, v % 1 - 0.5 + up)
    return step(radius - distance, soft)


def _chequered(rng: np.random.Generator, u: Field, v: Field, soft: float) -> Field:
    wide = rng.uniform(0.8, 1.3)
    a, b = band(u, 0.5, soft), band(v / wide, 0.5, soft / wide)
    return a * (1 - b) + b * (1 - a)


def _honeycomb(rng: np.random.Generator, u: Field, v: Field, soft: float) -> Field:
    """Walls where the nearest two centres of a hexagonal lattice are equally far."""
    near = np.partition(np.stack(_hexagonal(u, v)), 1, axis=0)
    wall = rng.uniform(0.08, 0.2)
    return step(wall - (near[1] - near[0]), soft)


def _hexagonal(u: Field, v: Field) -> list[Field]:
    """Distances to the centres around each point of the hexagonal lattice with spacing 1."""
    tall = np.float32(np.sqrt(3))
    found = []
    for shift_u, shift_v in ((0.0, 0.0), (0.5, 0.5)):
        column, row = np.floor(u - shift_u), np.floor(v / tall - shift_v)
        for right in (0, 1):
            for up in (0, 1):
                centre_u, centre_v = column + right + shift_u, (row + up + shift_v) * tall
                found.append(np.hypot(u - centre_u, v - centre_v))
    return found


def _woven(rng: np.random.Generator, u: Field, v: Field, soft: float) -> Field:
    """Threads that go over and under one another, rounded, with gaps between."""
    gap = rng.uniform(0.06, 0.18)
    over = (np.floor(u) + np.floor(v)) % 2 > 0
    across, along = np.where(over, u % 1, v % 1) - 0.5, np.where(over, v % 1, u % 1) - 0.5
    thread = step(0.5 - gap - np.abs(across), soft)
    round_ = (1 - (2 * across) ** 2) * (1 - 0.6 * (2 * along) ** 2)
    return (thread * (0.25 + 0.75 * round_)).astype(np.float32)


def _noise(rng: np.random.Generator, u: Field, v: Field, soft: float) -> Field:
    """No order at all: values at random, smooth over a period or less, the finer ones weaker."""
    del u, v
    period = 0.7 / soft
    weights, total = rng.uniform(0.3, 1.0), np.zeros((SIZE, SIZE), np.float32)
    for octave in range(4):
        total += weights**octave * smooth_noise(rng, period / 2**octave)
    total = (total - total.min()) / np.ptp(total)
    sharp = rng.uniform(1, 6)
    return (1 / (1 + np.exp(-sharp * 4 * (total - np.median(total))))).astype(np.float32)


def _plain(hues: tuple[float, float], saturations: tuple[float, float], values: tuple[float, float]) -> Drawing:
    """A drawing of one colour, with a little light and grain on it."""

    def draw(rng: np.random.Generator) -> Pixels:
        hue, saturation, value = (rng.uniform(*span) for span in (hues, saturations, values))
        colour = np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value), np.float32)
        return lit(rng, np.broadcast_to(colour, (SIZE, SIZE, 3)), strength=0.15)

    return draw


TEXTURES: dict[str, Drawing] = {
    **{"striped": _texture(_striped), "dotted": _texture(_dotted), "zigzagged": _texture(_zigzagged)},
    **{"chequered": _texture(_chequered), "honeycomb": _texture(_honeycomb), "woven": _texture(_woven)},
    "noise": _texture(_noise),
}
# Hue, saturation and value as ranges of 0 to 1.
COLOURS: dict[str, Drawing] = {
    "black": _plain((0, 1), (0, 0.3), (0.0, 0.15)),
    "white": _plain((0, 1), (0, 0.06), (0.92, 1)),
    "grey": _plain((0, 1), (0, 0.06), (0.3, 0.7)),
    "red": _plain((-0.02, 0.015), (0.75, 1), (0.55, 1)),
    "orange": _plain((0.06, 0.1), (0.8, 1), (0.85, 1)),
    "brown": _plain((0.04, 0.09), (0.5, 0.85), (0.25, 0.5)),
    "yellow": _plain((0.14, 0.17), (0.7, 1), (0.85, 1)),
    "green": _plain((0.27, 0.42), (0.55, 1), (0.3, 0.85)),
    "blue": _plain((0.57, 0.66), (0.6, 1), (0.4, 1)),
    "purple": _plain((0.74, 0.82), (0.45, 1), (0.35, 0.8)),
    "pink": _plain((0.88, 0.96), (0.25, 0.55), (0.9, 1)),
}
