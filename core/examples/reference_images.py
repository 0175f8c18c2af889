"""The reference for models that read images: a fixed, unlabelled sample of drawn images.

No photographs are bundled. Half are scenes of dead leaves, which share with photographs how often edges, flat parts and
scales occur; the others are textures and colours in turn, so that patterns are among what is ordinary.
"""

from __future__ import annotations

from functools import cache

from core.examples.drawn import SCENE, Drawn
from core.examples.textures import COLOURS, TEXTURES

N_IMAGES = 2000
SEED = 2  # other drawings than those of any set (0), and than the grounds of composites (1)


@cache
def reference_images() -> tuple[Drawn, ...]:
    """2,000 images, always the same ones; none of them stands in a set of examples."""
    others = [*TEXTURES, *COLOURS]
    return tuple(
        Drawn(others[number // 2 % len(others)] if number % 2 else SCENE, number, seed=SEED)
        for number in range(N_IMAGES)
    )
