"""Which features are on together: correlations of codes over sampled tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from core.dictionaries.index.collector import places_within
from core.dictionaries.index.sampled import Sampled
from core.dictionaries.index.settings import LISTED
from core.progress import Listener, Progress, silent

FEWEST = 5  # tokens on which both are on; a correlation over fewer is chance
DENSE = 1 << 25  # numbers of a table of all codes, zeros included, or of all pairs, that may be made
PAIRS = 1 << 22  # that are looked at together, at the most


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
    wide = sampled.value.astype(np.float64)
    mean = np.bincount(sampled.feature, weights=wide, minlength=features) / tokens
    squares = np.bincount(sampled.feature, weights=wide * wide, minlength=features) / tokens
    spread = np.sqrt(np.maximum(squares - mean**2, 0))
    dense = max(tokens, features) * features <= DENSE
    for pairs in (_dense if dense else _sparse)(sampled, features):
        one, other = pairs.one, pairs.other
        scale = spread[one] * spread[other]
        above = pairs.sums / tokens - mean[one] * mean[other]
        r = np.divide(above, scale, out=np.zeros(len(one)), where=scale > 0)
        order = np.lexsort((other, -r, one))
        order = order[r[order] > 0]
        rank = places_within(one[order])
        order, rank = order[rank < LISTED], rank[rank < LISTED]
        at = one[order], rank
        found["together_id"][at] = other[order]
        found["together"][at] = np.clip(r[order], 0, 1)
        found["both_on"][at] = pairs.both[order]
        progress(Progress(pairs.done, features, "features", "looking for features that are on together"))
    return found


@dataclass(frozen=True)
class _Pairs:
    """Pairs of different features that are on together at FEWEST tokens or more, all those of some features.

    one, other: (p,) their numbers. both: (p,) at how many tokens. sums: (p,) float64, of the products of their codes.
    done: features that are over with these.
    """

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    both: NDArray[np.int64]
    sums: NDArray[np.float64]
    done: int


def _sparse(sampled: Sampled, features: int) -> Iterator[_Pairs]:
    """Where few features are on at a time: products of sparse tables, so that pairs that never meet cost nothing."""
    starts = np.concatenate([[0], np.cumsum(sampled.size)])
    shape = (len(sampled.size), features)
    codes = sparse.csr_array((sampled.value.astype(np.float64), sampled.feature, starts), shape=shape)
    on = sparse.csr_array((np.ones(len(sampled.feature), dtype=np.int32), sampled.feature, starts), shape=shape)
    codes_of, on_of = codes.T.tocsr(), on.T.tocsr()
    step = max(1, PAIRS // features)
    for start in range(0, features, step):
        done = min(start + step, features)
        both, sums = on_of[start:done] @ on, codes_of[start:done] @ codes
        one, other = np.repeat(np.arange(start, done), np.diff(both.indptr)), both.indices
        often = (both.data >= FEWEST) & (one != other)
        one, other, count = one[often], other[often], both.data[often]
        # Both tables hold the same pairs in the same order, unless sums of 0 are left out of theirs.
        if np.array_equal(both.indices, sums.indices) and np.array_equal(both.indptr, sums.indptr):
            own = sums.data[often]
        else:
            sums.sort_indices()
            own = sums[one - start, other]
        yield _Pairs(one, other, count, own, done)


def _dense(sampled: Sampled, features: int) -> Iterator[_Pairs]:
    """Where the table of all codes fits: two matrix products."""
    codes = np.zeros((len(sampled.lot), features))
    codes[np.repeat(np.arange(len(sampled.size)), sampled.size), sampled.feature] = sampled.value
    on = (codes != 0).astype(np.float32)
    both, sums = on.T @ on, codes.T @ codes
    np.fill_diagonal(both, 0)
    step = max(1, PAIRS // features)
    for start in range(0, features, step):
        one, other = np.nonzero(both[start : start + step] >= FEWEST)
        one = one + start
        count = np.rint(both[one, other]).astype(np.int64)
        yield _Pairs(one, other, count, sums[one, other], min(start + step, features))
