"""The tokens that each feature is on at, and their share of it: the heaviest of a stream, in bounded memory."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.dictionaries.index.collector import Collector, places_within

MERGE = 2_000_000  # codes that are gathered before they are merged


class Heavy(Collector):
    """Per feature, sums of |code| by token id: `slots` tokens are followed.

    id: (m, s) int32, -1 where empty. sums: (m, s) float32, the heaviest first. times: (m, s) int32, tokens read.
    missed: (m,) float32: a sum may lack that much at the most, and no token that is not listed has more. It is 0 for
    every feature that is on at no more than s different tokens. As in Agarwal et al. 2012 ("Mergeable Summaries"),
    but sums keep what they have, and what is dropped is counted.
    """

    names = ("id", "sums", "times", "missed", "waiting_keys", "waiting_sums")

    def __init__(self, features: int, slots: int, vocabulary: int) -> None:
        self.vocabulary = vocabulary
        self.id = np.full((features, slots), -1, dtype=np.int32)
        self.sums = np.zeros((features, slots), dtype=np.float32)
        self.times = np.zeros((features, slots), dtype=np.int32)
        self.missed = np.zeros(features, dtype=np.float32)
        self._waiting: list[tuple[NDArray, NDArray]] = []
        self._count = 0

    def add(self, features: NDArray, ids: NDArray, values: NDArray[np.float32]) -> None:
        """Codes (n,) of which feature, at which token id, how large."""
        self._waiting.append((features.astype(np.int64) * self.vocabulary + ids, np.abs(values)))
        self._count += len(features)
        if self._count >= MERGE:
            self.merge()

    @property
    def waiting_keys(self) -> NDArray[np.int64]:
        """Codes that came since the last merge: feature times vocabulary plus token id.

        They are laid down as they are: merging them early would round otherwise, and drop other tokens.
        """
        return np.concatenate([np.zeros(0, dtype=np.int64), *(keys for keys, _ in self._waiting)])

    @property
    def waiting_sums(self) -> NDArray[np.float32]:
        """Their sizes."""
        return np.concatenate([np.zeros(0, dtype=np.float32), *(sums for _, sums in self._waiting)])

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        for name in self.names[:4]:
            setattr(self, name, np.array(arrays[name]))
        self._waiting = [(np.array(arrays["waiting_keys"]), np.array(arrays["waiting_sums"]))]
        self._count = len(self._waiting[0][0])

    def merged(self) -> Heavy:
        """What it would hold if nothing more came; this one stays as it is."""
        copy = Heavy(*self.id.shape, self.vocabulary)
        copy.restore(self.arrays())
        copy.merge()
        return copy

    def merge(self) -> None:
        """Bring in what is waiting."""
        if not self._waiting:
            return
        m, slots = self.id.shape
        new_keys, new_sums = self.waiting_keys, self.waiting_sums.astype(np.float64)
        self._waiting, self._count = [], 0
        filled = self.id >= 0
        owners = np.repeat(np.arange(m), slots).reshape(m, slots)
        old_keys = (owners.astype(np.int64) * self.vocabulary + self.id)[filled]
        keys = np.concatenate([old_keys, new_keys])
        sums = np.concatenate([self.sums[filled].astype(np.float64), new_sums])
        times = np.concatenate([self.times[filled], np.ones(len(new_keys), dtype=np.int32)])
        order = np.argsort(keys, kind="stable")
        keys, sums, times = keys[order], sums[order], times[order]
        starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
        keys, sums, times = keys[starts], np.add.reduceat(sums, starts), np.add.reduceat(times, starts)
        feature = keys // self.vocabulary
        order = np.lexsort((keys, -sums, feature))
        keys, sums, times, feature = keys[order], sums[order], times[order], feature[order]
        rank = places_within(feature)
        first_out = rank == slots
        self.missed[feature[first_out]] += sums[first_out].astype(np.float32)
        kept = rank < slots
        at = feature[kept], rank[kept]
        for array in (self.id, self.sums, self.times):
            array[...] = 0
        self.id[...] = -1
        self.id[at], self.sums[at], self.times[at] = (keys % self.vocabulary)[kept], sums[kept], times[kept]
