"""How long a sweep will take, said before it is started. Rough: within a factor of two or three."""

from __future__ import annotations

import os

from core.examples import Examples
from pages.shared.text import duration, size

TOKENS_PER_SECOND = 1000.0  # per core, of a model with SMALL parameters, float32
SMALL = 30 * 12 * 576**2
PROBE_SECONDS = 0.6  # one method at one layer, for 1,000 texts
OPENING = 8.0  # seconds: starting a process and opening the model
CHARACTERS_PER_TOKEN = 4.2
LONGEST = 256


def of_sweep(examples: Examples, n_layers: int | None, layers: tuple[int, ...] | None, methods: int) -> str:
    """Time and disk that a sweep of these texts will take, as half a sentence."""
    depth = n_layers or 30
    chosen = tuple(range(depth)) if layers is None else layers
    tokens = sum(min(LONGEST, len(text) / CHARACTERS_PER_TOKEN + 1) for text in examples.texts)
    width = 19 * depth  # models are about this much wider than deep
    cost = (max(chosen) + 1) * 12 * width**2 / SMALL
    seconds = OPENING + tokens * cost / (TOKENS_PER_SECOND * (os.cpu_count() or 1))
    seconds += PROBE_SECONDS * len(chosen) * methods * len(examples) / 1000
    stored = len(examples) * len(chosen) * width * 4
    return (
        f"{len(examples):,} texts, about {round(tokens, -3):,.0f} tokens, through {len(chosen)} layers take roughly "
        f"{duration(seconds)} on this machine, and {size(stored)} of disk. You can leave the page meanwhile."
    )
