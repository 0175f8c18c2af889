"""Some tokens with all their codes: what correlations and the tokens on which a feature is off are taken from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.dictionaries.index.best import lots
from core.dictionaries.index.collector import Collector

MOST = 131_072  # tokens
NO_FEATURE = (1 << 63) - 1  # in the place of a feature's number, where a lot is drawn for a token


class Sampled(Collector):
    """Tokens drawn evenly from all that were read, as many as bring at most `codes` codes that are not 0.

    lot: (t,) float64, the largest are kept. text, position: (t,) int32. size: (t,) int64, codes of each. feature,
    value: (codes,) int32 and float32, token after token.
    """

    names = ("lot", "text", "position", "size", "feature", "value")

    def __init__(self, codes: int, seed: int) -> None:
        self._codes, self._seed = codes, seed
        self.lot = np.zeros(0)
        self.text, self.position = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int32)
        self.size = np.zeros(0, dtype=np.int64)
        self.feature, self.value = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)
        self._lowest = -1.0  # lot below which nothing is kept any more

    def add(
        self, texts: NDArray, positions: NDArray, rows: NDArray, features: NDArray, values: NDArray[np.float32]
    ) -> None:
        """Tokens (n,), and their codes (c,): of which row of them, ascending, of which feature, how large."""
        lot = lots(texts, positions, NO_FEATURE, self._seed)
        kept = lot > self._lowest
        chosen = kept[rows]
        self.lot = np.concatenate([self.lot, lot[kept]])
        self.text = np.concatenate([self.text, texts[kept]]).astype(np.int32)
        self.position = np.concatenate([self.position, positions[kept]]).astype(np.int32)
        self.size = np.concatenate([self.size, np.bincount(rows, minlength=len(texts))[kept]])
        self.feature = np.concatenate([self.feature, features[chosen].astype(np.int32)])
        self.value = np.concatenate([self.value, values[chosen]])
        if len(self.feature) > 1.25 * self._codes or len(self.lot) > 1.25 * MOST:
            self._cut()

    def _cut(self) -> None:
        """Keep the tokens of the largest lots, as many as there is room for, the largest first."""
        order = np.lexsort((self.position, self.text, -self.lot))
        fitting = int(np.searchsorted(np.cumsum(self.size[order]), self._codes, side="right"))
        room = min(max(fitting, 1), MOST)
        if room < len(order):
            self._lowest = max(self._lowest, float(self.lot[order[room]]))
        order = order[:room]
        starts = np.cumsum(self.size) - self.size
        sizes = self.size[order]
        inner = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        codes = np.repeat(starts[order], sizes) + inner
        self.lot, self.text = self.lot[order], self.text[order]
        self.position, self.size = self.position[order], sizes
        self.feature, self.value = self.feature[codes], self.value[codes]

    def arrays(self) -> dict[str, np.ndarray]:
        self._cut()
        return super().arrays()
