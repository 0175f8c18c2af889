"""All that one pass over a corpus gathers, for all features at once."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.dictionaries.index.best import Best, lots
from core.dictionaries.index.chunk import Chunk
from core.dictionaries.index.collector import Collector
from core.dictionaries.index.counts import Counts
from core.dictionaries.index.heavy import Heavy
from core.dictionaries.index.sampled import Sampled
from core.dictionaries.index.settings import Settings


class Gathering:
    """top: strongest token of each of the strongest texts; low: the same for negative codes, or None. sample: tokens
    drawn evenly from those on which a feature is on. counts, heavy, sampled: see there. unit: what windows are divided
    by, a power of two about as large as the first texts' largest code, so that 16 bits hold them.
    """

    def __init__(self, features: int, signed: bool, vocabulary: int, settings: Settings) -> None:
        self.settings, self.unit = settings, 0.0
        window = settings.window
        self.counts = Counts(features, signed)
        self.top = Best(features, settings.top, window)
        self.low = Best(features, settings.top, window) if signed else None
        self.sample = Best(features, settings.sample, window)
        self.heavy = Heavy(features, settings.slots, vocabulary)
        self.sampled = Sampled(settings.together, settings.seed)

    @property
    def parts(self) -> dict[str, Collector]:
        """All collectors by name."""
        named = {
            "counts": self.counts,
            "top": self.top,
            "low": self.low,
            "sample": self.sample,
            "heavy": self.heavy,
            "sampled": self.sampled,
        }
        return {name: part for name, part in named.items() if part is not None}

    def restore(self, unit: float, arrays: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        """Go on from the arrays of all parts."""
        self.unit = unit
        for name, part in self.parts.items():
            part.restore(arrays[name])

    def add(self, chunk: Chunk) -> None:
        """Take in the codes of some whole texts."""
        read, rows, features, values = chunk.read, chunk.rows, chunk.features, chunk.values
        if self.unit == 0 and len(values):
            self.unit = 2.0 ** math.ceil(math.log2(float(np.abs(values).max())))
        texts = chunk.text_of
        self.counts.add(len(texts), features, values)
        self.heavy.add(features, read.ids[rows], values)
        self.sampled.add(texts, read.positions, rows, features, values)
        for best, sign in ((self.top, 1), (self.low, -1)):
            if best is not None:
                self._add_peaks(chunk, best, sign)
        drawn = lots(texts[rows], read.positions[rows], features, self.settings.seed)
        kept = self.sample.may_enter(features, drawn)
        self._merge(chunk, self.sample, rows[kept], features[kept], drawn[kept], values[kept])

    def _add_peaks(self, chunk: Chunk, best: Best, sign: int) -> None:
        """Of each text the token with the largest code times `sign`, the first of equals."""
        peaks = chunk.peaks(sign)
        text, feature = np.nonzero((peaks >= best.score[:, -1]) & (peaks > 0))
        size = peaks[text, feature]
        rows = chunk.where(text, feature, sign * size)
        self._merge(chunk, best, rows, feature, size.astype(np.float64), sign * size)

    def _merge(
        self, chunk: Chunk, best: Best, rows: NDArray, features: NDArray, scores: NDArray, values: NDArray
    ) -> None:
        windows = chunk.windows(rows, features, self.settings.before, self.settings.after)
        scaled = np.clip(windows / (self.unit or 1.0), -65504, 65504).astype(np.float16)
        best.offer(features, scores, chunk.text_of[rows], chunk.read.positions[rows], values, scaled)
