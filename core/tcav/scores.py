"""The familiar numbers of TCAV, from gradients and one CAV."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.tcav.cavs import unit


@dataclass(frozen=True)
class Scores:
    """sign: share of inputs with a positive derivative along the CAV, ties counting a half: the TCAV score of Kim et
    al. (2018, equation 2), 0 to 1, .5 where the concept points nowhere. mean_derivative: how fast the target changes
    when the unit CAV is added at the pooled positions, in the target's unit per unit of activation, mean over inputs.
    mean_cosine: of gradient and CAV, -1 to 1, mean over inputs: the derivative without the gradients' lengths.
    """

    sign: float
    mean_derivative: float
    mean_cosine: float


def scores(gradients: np.ndarray, cav: np.ndarray) -> Scores:
    """gradients: (m, d) of the target, finite. cav: (d,), of any length other than 0."""
    derivatives = gradients.astype(np.float64) @ unit(cav)
    lengths = np.linalg.norm(gradients.astype(np.float64), axis=1)
    cosines = np.divide(derivatives, lengths, out=np.zeros_like(derivatives), where=lengths > 0)
    return Scores(float(share_positive(derivatives)), float(derivatives.mean()), float(cosines.mean()))


def share_positive(derivatives: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Share of positive derivatives along the last axis, an exact 0 counting a half; weights (m,) or (..., m)."""
    points = (derivatives > 0) + 0.5 * (derivatives == 0)
    return points.mean(axis=-1) if weights is None else (points * weights).sum(axis=-1) / weights.sum(axis=-1)
