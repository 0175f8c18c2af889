"""The k best of a stream for each of many features: of tokens by their value, or by lot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.dictionaries.index.collector import Collector, places_within


class Best(Collector):
    """k slots for each of m features, the highest score first; which ones are kept does not depend on their order.

    score: (m, k) float64, -inf where a slot is empty. text, position: (m, k) int32, of the token, -1 where empty.
    value: (m, k) float32, its code. window: (m, k, w) float16, the feature's codes at the tokens around it, in a unit
    of the caller's; NaN where there is no token, or none that the dictionary reads. Of equal scores the earlier text
    and position goes first.
    """

    names = ("score", "text", "position", "value", "window")

    def __init__(self, features: int, k: int, window: int) -> None:
        self.score = np.full((features, k), -np.inf)
        self.text = np.full((features, k), -1, dtype=np.int32)
        self.position = np.full((features, k), -1, dtype=np.int32)
        self.value = np.zeros((features, k), dtype=np.float32)
        self.window = np.full((features, k, window), np.nan, dtype=np.float16)
        self._waiting: list[tuple[NDArray, ...]] = []
        self._count = 0

    def may_enter(self, features: NDArray, scores: NDArray) -> NDArray[np.bool_]:
        """Which of some tokens (n,) can enter their feature's slots as these are now; few, after a while."""
        return scores >= self.score[features, -1]

    def offer(
        self,
        features: NDArray,
        scores: NDArray,
        texts: NDArray,
        positions: NDArray,
        values: NDArray,
        windows: NDArray,
    ) -> None:
        """Take in tokens (n,) with their windows (n, w); each token is offered to a feature once at the most."""
        self._waiting.append((features, scores, texts, positions, values, windows))
        self._count += len(features)
        # Sorting costs by the slots that are touched: few at a time would sort the same ones again and again.
        if self._count >= max(1, self.score.size // 4):
            self.merge()

    def merge(self) -> None:
        """Bring in what is waiting; when that is done changes nothing in the end."""
        if self._count == 0:
            return
        features, scores, texts, positions, values, windows = (
            np.concatenate(parts) for parts in zip(*self._waiting, strict=True)
        )
        self._waiting, self._count = [], 0
        k = self.score.shape[1]
        touched = np.unique(features)
        owner = np.concatenate([np.repeat(touched, k), features])
        score = np.concatenate([self.score[touched].ravel(), scores])
        text = np.concatenate([self.text[touched].ravel(), texts])
        position = np.concatenate([self.position[touched].ravel(), positions])
        order = np.lexsort((position, text, -score, owner))
        owner = owner[order]
        rank = places_within(owner)
        order, owner, rank = (array[rank < k] for array in (order, owner, rank))
        # Windows are the largest part by far: only those that are new or move are touched.
        new = order >= len(touched) * k
        before = order[~new]
        moved = owner[~new], before % k
        window = self.window[moved]
        value = np.concatenate([self.value[touched].ravel(), values])
        at = owner, rank
        self.score[at], self.text[at] = score[order], text[order]
        self.position[at], self.value[at] = position[order], value[order]
        self.window[owner[~new], rank[~new]] = window
        self.window[owner[new], rank[new]] = windows[order[new] - len(touched) * k]

    def arrays(self) -> dict[str, np.ndarray]:
        self.merge()
        return super().arrays()


def lots(texts: NDArray, positions: NDArray, features: NDArray | int, seed: int) -> NDArray[np.float64]:
    """A number in [0, 1) for each (text, position, feature): the same at any time, and unlike its neighbours'.

    The finaliser of SplitMix64 (Steele et al. 2014) over a weighted sum. Keeping the largest ones draws evenly without
    replacement, whatever comes in which order, and without knowing how many will come.
    """
    with np.errstate(over="ignore"):
        x = np.asarray(texts).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        x = x + np.asarray(positions).astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
        x = x + np.asarray(features).astype(np.uint64) * np.uint64(0x165667B19E3779F9)
        x = x + np.uint64(seed + 1) * np.uint64(0xD6E8FEB86659FD93)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    return (x >> np.uint64(11)).astype(np.float64) / 2**53
