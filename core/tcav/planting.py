"""Concepts that can be read but matter to nothing: what a verdict of "supported" must not fall for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.tcav.cavs import unit
from core.tcav.concept import Concept

STRENGTH = 3.0  # how far positives are shifted, in standard deviations of the rows along the shift
MOST = 0.5  # of all dimensions, the largest share that gradients may take up


def gradient_span(gradients: np.ndarray) -> np.ndarray:
    """Orthonormal rows (r, d) that hold all of `gradients` (m, d), or as much of them as half of the dimensions can.

    Where there are more inputs than dimensions nothing is orthogonal to all gradients; then the mean and the
    directions in which gradients are largest are held, so that what is left over is small.
    """
    scaled = unit(gradients.astype(np.float64))
    most = int(MOST * gradients.shape[1])
    basis = np.linalg.svd(scaled, full_matrices=False)
    kept = basis.S / basis.S[0] > 1e-9
    if kept.sum() <= most:
        return basis.Vh[kept]
    mean = scaled.mean(axis=0)
    together = np.concatenate([unit(mean)[None], basis.Vh[: most - 1]])
    return np.linalg.qr(together.T)[0].T


def orthogonal_shift(rng: np.random.Generator, rows: np.ndarray, span: np.ndarray) -> np.ndarray:
    """A shift (d,) across all gradients: random, as ordinary rows (n, d) vary, without its part in `span`.

    Its length is STRENGTH standard deviations of the rows along it.
    """
    centred = rows - rows.mean(axis=0)
    natural = rng.standard_normal(len(rows)) @ centred
    across = unit(natural - (natural @ span.T) @ span)
    return STRENGTH * float((centred @ across).std()) * across


def planted(concept: Concept, shifts: tuple[np.ndarray, ...]) -> Concept:
    """The concept with its positives shifted, by shifts[s] (d,) at site s."""
    moved = tuple(X + np.outer(concept.y, shift) for X, shift in zip(concept.X, shifts, strict=True))
    return replace(concept, X=moved)
