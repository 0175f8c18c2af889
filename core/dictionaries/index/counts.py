"""How often and how strongly each feature is on: counts, sums, and a fine histogram from which quantiles are read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.dictionaries.index.collector import Collector

# A bin is a sixteenth of an octave: the exponent and the first four binary digits of a value. No logarithm is taken, so
# that a value's bin is exact, and no bin is wider than 1/16 of the values in it.
PER_OCTAVE = 16
LOWEST, HIGHEST = -20, 20  # powers of two; smaller and larger values fall into the first and the last bin
BINS = (HIGHEST - LOWEST) * PER_OCTAVE
QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)

COARSE = 4  # bins per octave of the histogram that is shown
SHOWN = 64  # its bins: sixteen octaves below the largest value; smaller ones fall into the first


def bins_of(sizes: NDArray[np.float32]) -> NDArray[np.int64]:
    """The fine bin of each of some values above 0, from 0 to BINS - 1."""
    bits = np.ascontiguousarray(sizes, dtype=np.float32).view(np.int32) & 0x7FFFFFFF
    return np.clip((bits >> 19).astype(np.int64) - ((127 + LOWEST) << 4), 0, BINS - 1)


def edges(per_octave: int = PER_OCTAVE) -> NDArray[np.float64]:
    """Edges of the bins, ascending; one more than there are bins."""
    octaves = 2.0 ** np.arange(LOWEST, HIGHEST)
    inner = (octaves[:, None] * (1 + np.arange(per_octave) / per_octave)).ravel()
    return np.append(inner, 2.0**HIGHEST)


class Counts(Collector):
    """Over tokens: how often each of m features is not 0, and the histogram of its sizes.

    tokens: how many were read. count: (m,) int64. total, sizes, squares: (m,) float64, sums of codes, of
    their sizes and of their squares.
    fine: (sides, m, BINS) uint32, sizes of positive codes and, if codes are signed, of negative ones.
    """

    names = ("tokens", "count", "total", "sizes", "squares", "fine")

    def __init__(self, features: int, signed: bool) -> None:
        self.tokens = np.zeros(1, dtype=np.int64)
        self.count = np.zeros(features, dtype=np.int64)
        self.total = np.zeros(features)
        self.sizes = np.zeros(features)
        self.squares = np.zeros(features)
        self.fine = np.zeros((2 if signed else 1, features, BINS), dtype=np.uint32)

    def add(self, tokens: int, features: NDArray, values: NDArray[np.float32]) -> None:
        """Count the codes that are not 0 of `tokens` tokens: (n,) of which feature, (n,) how large."""
        m = len(self.count)
        self.tokens += tokens
        self.count += np.bincount(features, minlength=m)
        wide = values.astype(np.float64)
        self.total += np.bincount(features, weights=wide, minlength=m)
        self.sizes += np.bincount(features, weights=np.abs(wide), minlength=m)
        self.squares += np.bincount(features, weights=wide * wide, minlength=m)
        places = features.astype(np.int64) * BINS + bins_of(np.abs(values))
        for side, chosen in zip(self.fine, (values > 0, values < 0), strict=False):
            np.add.at(side.reshape(-1), places[chosen], np.uint32(1))

    def ranks(self, features: NDArray, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """The share (n,), 0 to 1, of each feature's non-zero codes that lie below `values`.

        Within a fine bin codes are taken as evenly spread, so that the error is at most the share in that bin.
        """
        return np.concatenate(
            [self._ranks(features[at : at + 65536], values[at : at + 65536]) for at in range(0, len(features), 65536)]
            or [np.zeros(0)]
        )

    def _ranks(self, features: NDArray, values: NDArray[np.float32]) -> NDArray[np.float64]:
        bins, bounds = bins_of(np.abs(values)), edges()
        inner = (np.abs(values) - bounds[bins]) / (bounds[bins + 1] - bounds[bins])
        owners, place = np.unique(features, return_inverse=True)
        found = np.zeros(len(features))
        n = self.count[features].astype(np.float64)
        negatives = self.fine[1, owners].sum(axis=1, dtype=np.float64)[place] if len(self.fine) == 2 else 0.0
        for side, sign in zip(self.fine, (1, -1), strict=False):
            chosen = np.sign(values) == sign
            own = side[owners].astype(np.float64)
            below = np.cumsum(own, axis=1) - own
            at = place[chosen], bins[chosen]
            found[chosen] = below[at] + np.clip(inner[chosen], 0, 1) * own[at]
        return np.where(values > 0, negatives + found, negatives - found) / np.maximum(n, 1)

    def quantiles(self) -> NDArray[np.float32]:
        """(m, 7): values below which the shares QUANTILES of each feature's non-zero codes lie; NaN if never on.

        Read from the fine histogram: off by at most one bin, 1/16 of the value.
        """
        m, bounds = len(self.count), edges()
        found = np.full((m, len(QUANTILES)), np.nan, dtype=np.float32)
        values = np.concatenate([-bounds[::-1], bounds]) if len(self.fine) == 2 else bounds
        for start in range(0, m, 4096):
            part = slice(start, min(start + 4096, m))
            own = self.fine[0, part]
            if len(self.fine) == 2:  # from the largest negative size to the largest positive one, nothing about 0
                own = np.concatenate([self.fine[1, part, ::-1], np.zeros((len(own), 1), np.uint32), own], axis=1)
            reached = np.concatenate([np.zeros((len(own), 1)), np.cumsum(own, axis=1, dtype=np.float64)], axis=1)
            for column, share in enumerate(QUANTILES):
                # numpy's rule: the place (n - 1) q in the sorted list, counted from 0.
                wanted = share * np.maximum(self.count[part] - 1, 0) + 0.5
                bin_ = (reached[:, 1:] < wanted[:, None]).sum(axis=1)
                rows = np.arange(len(own))
                bin_ = np.minimum(bin_, own.shape[1] - 1)
                inside = (wanted - reached[rows, bin_]) / np.maximum(own[rows, bin_], 1)
                value = values[bin_] + inside * (values[bin_ + 1] - values[bin_])
                found[part, column] = np.where(self.count[part] > 0, value, np.nan)
        return found

    def histogram(self, side: int) -> tuple[NDArray[np.uint32], NDArray[np.int16]]:
        """Sizes in quarters of an octave: (m, 64) counts and (m,) the number of the first bin in `edges(4)`.

        The last of the 64 bins holds the largest value; the first holds all that is smaller as well.
        """
        fine = self.fine[side]
        m = len(fine)
        coarse = fine.reshape(m, -1, PER_OCTAVE // COARSE).sum(axis=2, dtype=np.uint32)
        size = coarse.shape[1]
        last = np.where(coarse.any(axis=1), size - 1 - (coarse[:, ::-1] > 0).argmax(axis=1), SHOWN - 1)
        first = np.clip(last - SHOWN + 1, 0, size - SHOWN)
        shown = np.take_along_axis(coarse, first[:, None] + np.arange(SHOWN), axis=1)
        smaller = np.cumsum(coarse, axis=1, dtype=np.uint32)
        shown[:, 0] = np.take_along_axis(smaller, first[:, None], axis=1)[:, 0]
        return shown, first.astype(np.int16)


def shown_edges(first: int) -> NDArray[np.float64]:
    """The 65 edges of a histogram whose first bin has this number."""
    return edges(COARSE)[first : first + SHOWN + 1]
