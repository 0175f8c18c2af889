"""Which features are on together: correlations of codes over sampled tokens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.dictionaries.index.sampled import Sampled
from core.dictionaries.index.settings import LISTED
from core.progress import Listener, Progress, silent

FEWEST = 5  # tokens on which both are on; a correlation over fewer is chance
DENSE = 1 << 25  # numbers of a table of all codes, zeros included, or of all pairs, that may be made


def partners(sampled: Sampled, features: int, *, progress: Listener = silent) -> dict[str, NDArray]:
    """The features whose codes go with each one's, over the sampled tokens.

    together_id: (m, 10) int32, -1 where there is none; together: (m, 10) float32, Pearson correlations of the codes,
    zeros included, 0 to 1, the largest first; both_on: (m, 10) int32, tokens of the sample on which both are on, at
    least 5. Features that avoid one another are not listed.
    """
    found = {
        "together_id": np.full((features, LISTED), -1, dtype=np.int32),
        "together": np.full((features, LISTED), np.nan, dtype=np.float32),
        "both_on": np.zeros((features, LISTED), dtype=np.int32),
    }
    tokens = len(sampled.lot)
    if tokens < 2:
        return found
    dense = max(tokens, features) * features <= DENSE
    products = _Dense(sampled, features) if dense else _Sparse(sampled, features)
    wide = sampled.value.astype(np.float64)
    mean = np.bincount(sampled.feature, weights=wide, minlength=features) / tokens
    squares = np.bincount(sampled.feature, weights=wide * wide, minlength=features) / tokens
    spread = np.sqrt(np.maximum(squares - mean**2, 0))
    for feature in range(features):
        both, sums = products.of(feature)
        others = np.flatnonzero(both >= FEWEST)
        others = others[others != feature]
        scale = spread[feature] * spread[others]
        above = sums[others] / tokens - mean[feature] * mean[others]
        r = np.divide(above, scale, out=np.zeros(len(others)), where=scale > 0)
        best = np.lexsort((others, -r))[:LISTED]
        best = best[r[best] > 0]
        n = len(best)
        found["together_id"][feature, :n] = others[best]
        found["together"][feature, :n] = np.clip(r[best], 0, 1)
        found["both_on"][feature, :n] = both[others[best]]
        if feature % 256 == 0:
            progress(Progress(feature, features, "features", "looking for features that are on together"))
    progress(Progress(features, features, "features", "looking for features that are on together"))
    return found


class _Sparse:
    """Where few features are on at a time: the codes of the tokens on which a feature is on are added up."""

    def __init__(self, sampled: Sampled, features: int) -> None:
        self._sampled, self._features = sampled, features
        self._starts = np.cumsum(sampled.size) - sampled.size
        self._token = np.repeat(np.arange(len(sampled.size)), sampled.size)
        self._codes = np.argsort(sampled.feature, kind="stable")  # by feature
        self._of = np.searchsorted(sampled.feature[self._codes], np.arange(features + 1))

    def of(self, feature: int) -> tuple[NDArray, NDArray]:
        """(m,) tokens on which each is on together with this one, and (m,) the sum of the products of their codes."""
        own = self._codes[self._of[feature] : self._of[feature + 1]]
        tokens = self._token[own]
        sizes = self._sampled.size[tokens]
        inner = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        codes = np.repeat(self._starts[tokens], sizes) + inner
        others = self._sampled.feature[codes]
        weights = np.repeat(self._sampled.value[own].astype(np.float64), sizes) * self._sampled.value[codes]
        return (
            np.bincount(others, minlength=self._features),
            np.bincount(others, weights=weights, minlength=self._features),
        )


class _Dense:
    """Where the table of all codes fits: two matrix products."""

    def __init__(self, sampled: Sampled, features: int) -> None:
        codes = np.zeros((len(sampled.lot), features))
        codes[np.repeat(np.arange(len(sampled.size)), sampled.size), sampled.feature] = sampled.value
        on = (codes != 0).astype(np.float32)
        self._both, self._sums = on.T @ on, codes.T @ codes

    def of(self, feature: int) -> tuple[NDArray, NDArray]:
        """As `_Sparse.of`."""
        return np.rint(self._both[feature]).astype(np.int64), self._sums[feature]
