"""Many tests at once: p-values adjusted so that the chance of a single false alarm, or their share, stays bounded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values (k,), 0 to 1: rejecting those up to a bounds the chance of any false rejection by a.

    Holm (1979), "A simple sequentially rejective multiple test procedure", whatever the tests' dependence.
    """
    return np.array([adjusted[0] for adjusted in holm_of_families([[one] for one in np.asarray(p, dtype=float)])])


def holm_of_families(families: Sequence[ArrayLike]) -> list[NDArray[np.float64]]:
    """Holm over families whose p-values are adjusted within each family already, as by the largest |z|.

    families: per family (k,) adjusted p-values. A family leaves the count once all of its hypotheses are rejected;
    leaving at its first rejection would let a family with one true effect make false alarms elsewhere cheaper. With
    one hypothesis in each family this is Holm's procedure. Returns adjusted p-values of the same shapes.
    """
    within = [np.asarray(family, dtype=np.float64) for family in families]
    count = len(within)
    largest = np.sort([family.max() for family in within])
    # By the level at which j families are rejected whole: 0 for none, then as in Holm.
    whole = np.maximum.accumulate([0.0, *((count - rank) * p for rank, p in enumerate(largest))])
    left = [count - j for j in range(count)]
    adjusted = []
    for family in within:
        by_stage = np.stack([np.maximum(whole[j], left[j] * family) for j in range(count)])
        adjusted.append(np.minimum(by_stage.min(axis=0), 1.0))
    return adjusted


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values (k,), 0 to 1: of those up to q, a share of q at the most is expected to be false.

    Benjamini and Hochberg (1995), for independent or positively dependent tests.
    """
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted = np.empty_like(scaled)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted
