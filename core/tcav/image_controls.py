"""Control concepts of images: one drawn kind against another, red against striped, dotted against woven."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from core.examples import ImageExamples
from core.examples.drawn import Drawn
from core.examples.image_ids import OURS
from core.examples.images import make_image_examples
from core.examples.textures import COLOURS, TEXTURES

SETS = 60  # of the 153 pairs
EACH = 50  # images of a kind: 900 in all, which the sets of textures and colours begin with
AGAINST = " against "  # between the names of the two sets that a control is made of


def open_image_controls(count: int = SETS) -> list[ImageExamples]:
    """`count` of the 153 pairs, always the same ones."""
    kinds = [f"textures/{name}" for name in TEXTURES] + [f"colours/{name}" for name in COLOURS]
    pairs = list(combinations(kinds, 2))
    chosen = np.random.default_rng(0).permutation(len(pairs))[:count]
    return [_pair(*pairs[place]) for place in sorted(chosen)]


def kin_of(id: str) -> frozenset[str]:
    """The sets that a control is made of; empty for any other set."""
    return frozenset(id.split(AGAINST)) if AGAINST in id else frozenset()


def _pair(one: str, other: str) -> ImageExamples:
    kinds = [id.partition("/")[2] for id in (one, other)]
    images = [Drawn(kind, number) for kind in kinds for number in range(EACH)]
    id = f"{one}{AGAINST}{other}"
    return make_image_examples(
        id, id, images, np.repeat([1, 0], EACH).tolist(), source=OURS, names=(kinds[1], kinds[0])
    )
