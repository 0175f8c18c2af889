"""What an index keeps of each feature."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from core.directions.parameters import parameter

FORMAT = 1  # raised when an index holds other numbers, or holds them otherwise
# Where examples between the strongest and the weakest are shown: shares of the non-zero values that lie below.
BANDS = (0.95, 0.75, 0.5, 0.25, 0.05)
PER_BAND = 3  # examples of each
LISTED = 10  # tokens, neighbours and partners that are kept of each feature


@dataclass(frozen=True)
class Settings:
    """Bounds, default and a line of help for each number that decides what an index holds."""

    top: int = parameter(16, 1, 200, "Strongest examples, each from another text.")
    sample: int = parameter(48, 4, 1000, "Tokens drawn evenly from all on which a feature is on, for its quantiles.")
    before: int = parameter(20, 0, 500, "Tokens before an example's token whose values are kept.")
    after: int = parameter(10, 0, 500, "Tokens after it.")
    slots: int = parameter(64, LISTED, 1000, "Different tokens whose share of a feature is followed.")
    together: int = parameter(4_000_000, 1000, 1 << 30, "Codes that are kept of whole tokens, for correlations.")
    max_length: int = parameter(256, 2, 1 << 20, "Tokens at which a text is cut.")
    seed: int = parameter(0, 0, 2**32 - 1, "Of all drawing.")

    @property
    def window(self) -> int:
        """Tokens of an example."""
        return self.before + 1 + self.after

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
