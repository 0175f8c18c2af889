"""How long a sweep will take, said before it is started. Rough: within a factor of two or three."""

from __future__ import annotations

from core.activations.costs import OPENING, forward, tokens_of
from core.examples import Examples
from pages.shared.text import duration, size

PROBE_SECONDS = 0.6  # one method at one layer, for 1,000 texts


def of_sweep(examples: Examples, n_layers: int | None, layers: tuple[int, ...] | None, methods: int) -> str:
    """Time and disk that a sweep of these texts will take, as half a sentence."""
    depth = n_layers or 30
    chosen = tuple(range(depth)) if layers is None else layers
    tokens = tokens_of(examples.texts)
    width = 19 * depth  # models are about this much wider than deep
    seconds = OPENING + forward(tokens, depth, max(chosen))
    seconds += PROBE_SECONDS * len(chosen) * methods * len(examples) / 1000
    stored = len(examples) * len(chosen) * width * 4
    return (
        f"{len(examples):,} texts, about {round(tokens, -3):,.0f} tokens, through {len(chosen)} layers take roughly "
        f"{duration(seconds)} on this machine, and {size(stored)} of disk. You can leave the page meanwhile."
    )
