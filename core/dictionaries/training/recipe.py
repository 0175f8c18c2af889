"""How a dictionary is trained, apart from the method: sizes, rates, and what is read."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from core.directions.parameters import parameter


@dataclass(frozen=True)
class Recipe:
    """Settings that all methods share; fields describe themselves."""

    features: int = parameter(8192, 8, 1 << 20, "Features of the dictionary.")
    tokens: int = parameter(8_000_000, 1, 1 << 40, "Tokens to learn from, repeats counted.")
    batch: int = parameter(2048, 8, 1 << 17, "Tokens per step.")
    rate: float = parameter(8e-4, 1e-7, 1.0, "Learning rate of Adam at its height.")
    warmup: float = parameter(0.02, 0.0, 1.0, "Share of the tokens over which the rate rises.")
    decay: float = parameter(0.3, 0.0, 1.0, "Share of the tokens, at the end, over which the rate falls to 0.")
    revival: float = parameter(0.03125, 0.0, 10.0, "Weight of the loss that brings dead features back; 0: none.")
    patience: int = parameter(250_000, 1, 1 << 40, "Tokens without a code after which a feature is dead.")
    block: int = parameter(1024, 1, 1 << 20, "Texts whose tokens are shuffled together.")
    max_length: int = parameter(256, 2, 1 << 20, "Tokens at which a text is cut.")
    seed: int = parameter(0, 0, 2**32 - 1, "Of the first weights and the order of texts and tokens.")

    @property
    def acting_patience(self) -> int:
        """At most a quarter of all tokens, so that dead features are brought back in short runs as well."""
        return min(self.patience, max(1, self.tokens // 4))

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def rate_at(self, done: float) -> float:
        """The learning rate after a share `done` (0-1) of the tokens: up in a line, level, down in a line."""
        up = min(1.0, done / self.warmup) if self.warmup else 1.0
        down = min(1.0, (1 - done) / self.decay) if self.decay else 1.0
        # Not quite 0 at the very first step, which would learn nothing.
        return self.rate * max(min(up, down), 1e-3)
