"""How long things take, said before they are started. Rough: within a factor of two or three."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

TOKENS_PER_SECOND = 300.0  # per core, of a model with SMALL parameters, float32; see docs/benchmarks.md
SMALL = 30 * 12 * 576**2
OPENING = 8.0  # seconds: starting a process and opening the model
CHARACTERS_PER_TOKEN = 4.2
LONGEST = 256
IMAGE_TOKENS = 30.0  # of a model with SMALL parameters: as long as one image of a small network takes


def tokens_of(items: Sequence[Any]) -> float:
    """Of texts; an image takes as long as some tokens do."""
    return sum(
        min(LONGEST, len(item) / CHARACTERS_PER_TOKEN + 1) if isinstance(item, str) else IMAGE_TOKENS for item in items
    )


def forward(tokens: float, n_layers: int | None, deepest: int | None = None) -> float:
    """Seconds of forward passes up to a layer, through all where None; a depth that is not known counts as 30."""
    n_layers = n_layers or 30
    width = 19 * n_layers  # models are about this much wider than deep
    blocks = n_layers if deepest is None else deepest + 1
    return tokens * blocks * 12 * width**2 / SMALL / (TOKENS_PER_SECOND * (os.cpu_count() or 1))
