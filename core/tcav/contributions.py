"""Which tokens of an input its derivative is owed to: CAV . gradient, position by position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.activations import Pool
from core.models import Model, Site, batch, counted_positions, gradients, text_pieces, tokenize
from core.models.hooks import on_sites
from core.tcav.gradients import pooled_positions
from core.tcav.reading import with_target
from core.tcav.targets import Target


@dataclass(frozen=True, eq=False)
class Contributions:
    """One input's t tokens. pieces: their texts.

    values: (t,) how fast the target changes when the unit CAV is added at that position alone, in the target's unit
    per unit of activation; NaN where nothing is pooled (first and special tokens, sinks). derivative: their sum, the
    input's derivative. value: of the target, without any push.
    """

    pieces: tuple[str, ...]
    values: np.ndarray
    derivative: float
    value: float


def contributions(
    model: Model,
    target: Target,
    texts: Sequence[str],
    site: Site,
    cav: np.ndarray,
    *,
    pool: Pool = "mean",
    max_length: int = 256,
) -> list[Contributions]:
    """Of each of a few texts. cav: unit (d,), at `site`.

    A position's share is linear in the gradient there (gradient x direction, as in Kim et al. 2018, equation 1, before
    the sum over positions): what a push at this token would do, which need not be what the token itself did.
    """
    return [
        _of_one(model, target, ids, site, cav, pool) for ids in tokenize(model, texts, max_length)
    ]  # one by one: they are few, and a text alone needs no padding


def _of_one(model: Model, target: Target, ids: Sequence[int], site: Site, cav: np.ndarray, pool: Pool) -> Contributions:
    inputs = batch(model, [ids])
    counted = counted_positions(model, inputs)
    asked, scalar = with_target(model, inputs, target)
    pooled = np.zeros(len(ids), dtype=bool)

    def look(h: object) -> None:
        pooled[:] = pooled_positions(h.detach().reshape(*counted.shape, -1), counted, pool)[0].cpu().numpy()  # type: ignore[attr-defined]

    with on_sites(model, {site: look}):
        values, raw = gradients(model, asked, [site], scalar)
    gradient = raw[site].reshape(len(ids), -1).double().cpu().numpy()
    shares = np.where(pooled, gradient @ cav, np.nan)
    return Contributions(tuple(text_pieces(model, ids)), shares, float(np.nansum(shares)), float(values[0]))
