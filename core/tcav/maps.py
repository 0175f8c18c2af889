"""Which parts of an image its derivative is owed to: CAV . gradient, position by position of the feature map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import UserError
from core.examples import Image
from core.models import ImageModel, Site
from core.models.recording import gradients
from core.tcav.targets import Target

FEWEST_LEFT = 8  # tokens that stand for no place in an image (class token, registers), at the most


@dataclass(frozen=True, eq=False)
class ConceptMap:
    """One image. seen: (height, width, 3) uint8, as the model is shown it.

    values: (rows, columns) how fast the target changes when the unit CAV is added at that position alone, in the
    target's unit per unit of activation; the image's left upper corner first. unplaced: the same of tokens without a
    place (class token, registers) together; 0 where there are none. derivative: all of it, the image's derivative.
    value: of the target, without any push.
    """

    seen: np.ndarray
    values: np.ndarray
    unplaced: float
    derivative: float
    value: float


def concept_maps(
    model: ImageModel, target: Target, images: Sequence[Image], site: Site, cav: np.ndarray
) -> list[ConceptMap]:
    """Of each of a few images. cav: unit (d,), at `site`.

    A concept localisation map, as in gradient x direction of Kim et al. (2018), equation 1, before the sum over
    positions. Raises UserError at a site whose positions are no places in an image.
    """
    places = model.map_of(site).positions
    rows, columns, first = grid_of(places)
    return [_of_one(model, target, image, site, cav, (rows, columns, first)) for image in images]


def grid_of(positions: Sequence[int]) -> tuple[int, int, int]:
    """Rows and columns of places, and how many positions stand before them. Raises UserError if there is no grid.

    positions: (height, width), or (tokens,), the last of which are a square of places.
    """
    if len(positions) == 2:
        return positions[0], positions[1], 0
    tokens = positions[0] if positions else 0
    side = math.isqrt(tokens)
    if side < 2 or tokens - side * side > FEWEST_LEFT:
        raise UserError("What this layer holds has no places in the image; choose an earlier layer.")
    return side, side, tokens - side * side


def _of_one(
    model: ImageModel, target: Target, image: Image, site: Site, cav: np.ndarray, grid: tuple[int, int, int]
) -> ConceptMap:
    pixels = image.load()

    def scalar(output: Any) -> Any:
        return target.of(output.logits)

    values, raw = gradients(model, model.prepare([pixels]), [site], scalar)
    gradient = model.map_of(site).flat(raw[site])[0].double().cpu().numpy()
    shares = gradient @ cav
    rows, columns, first = grid
    return ConceptMap(
        model.preprocessing.framed(pixels),
        shares[first:].reshape(rows, columns),
        float(shares[:first].sum()),
        float(shares.sum()),
        float(values[0]),
    )
