"""Which features of a table are looked at: conditions on its columns, words that are looked for, and an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

MATCHED = ("label", "note", "top_tokens", "promoted", "suppressed")  # where words are looked for


@dataclass(frozen=True)
class Condition:
    """What a column has to be. low, high: bounds of a number, both included, None for none; what is not known lies
    outside of every bound. words: what a text has to hold, whatever the case. is_: what a yes or no has to be."""

    column: str
    low: float | None = None
    high: float | None = None
    words: str = ""
    is_: bool | None = None

    def mask(self, table: pd.DataFrame) -> NDArray[np.bool_]:
        """(n,) which lines fulfil it. Raises UserError for a column that there is not, or of another kind."""
        if self.column not in table.columns:
            raise UserError(f"There is no column {self.column!r}; there are {', '.join(table.columns)}.")
        values = table[self.column]
        found = np.ones(len(table), dtype=bool)
        if self.low is not None or self.high is not None:
            if values.dtype.kind not in "iuf":
                raise UserError(f"The column {self.column!r} holds no numbers, so that it has no bounds.")
            numbers = values.to_numpy(dtype=np.float64)
            with np.errstate(invalid="ignore"):
                found &= (numbers >= (-np.inf if self.low is None else self.low)) & ~np.isnan(numbers)
                found &= numbers <= (np.inf if self.high is None else self.high)
        if self.words:
            found &= _holding(values, self.words)
        if self.is_ is not None:
            found &= values.to_numpy(dtype=bool) == self.is_
        return found


def narrowed(table: pd.DataFrame, conditions: Sequence[Condition], words: str = "") -> pd.DataFrame:
    """The lines that fulfil all conditions and hold `words` in one of MATCHED, in their order."""
    found = np.ones(len(table), dtype=bool)
    for condition in conditions:
        found &= condition.mask(table)
    if words.strip():
        some = np.zeros(len(table), dtype=bool)
        for column in MATCHED:
            if column in table.columns:
                some |= _holding(table[column], words.strip())
        found &= some
    return table[found]


def _holding(values: pd.Series, words: str) -> NDArray[np.bool_]:
    """(n,) which cells, texts or lists of texts, hold some words, whatever the case."""
    wanted = words.casefold()
    return np.fromiter(
        (any(wanted in one.casefold() for one in ([cell] if isinstance(cell, str) else cell)) for cell in values),
        dtype=bool,
        count=len(values),
    )
