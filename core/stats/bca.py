"""Intervals from a bootstrap distribution, corrected for its bias and skew."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

_NORMAL = NormalDist()


def bca_ends(value: float, drawn: NDArray, left_out: NDArray, level: float) -> tuple[float, float]:
    """Ends of the BCa interval (Efron 1987; Efron and Tibshirani 1993, equations 14.9, 14.10, 14.14 and 14.15).

    value: the number measured. drawn: (resamples,) the same in each resample. left_out: (groups,) the same without each
    group in turn. Percentiles of `drawn`, moved by how far its middle lies from `value` (equals count half) and by how
    fast the spread grows with the value. The measured number is never outside.
    """
    share = (np.sum(drawn < value) + np.sum(drawn == value) / 2) / len(drawn)
    bias = _NORMAL.inv_cdf(min(max(float(share), 0.5 / len(drawn)), 1 - 0.5 / len(drawn)))
    lean = left_out.mean() - left_out if len(left_out) else left_out  # none where each group is the last of its class
    spread = float(np.sum(lean**2)) ** 1.5
    acceleration = float(np.sum(lean**3)) / (6 * spread) if spread > 0 else 0.0
    places = []
    for end in ((1 - level) / 2, (1 + level) / 2):
        moved = bias + _NORMAL.inv_cdf(end)
        places.append(_NORMAL.cdf(bias + moved / max(1 - acceleration * moved, 0.05)))
    low, high = np.quantile(drawn, places)
    return min(float(low), value), max(float(high), value)


def perfect_bound(positives: int, negatives: int, level: float, *, strata: int = 1) -> float:
    """The lowest AUROC that could well show as 1: what resampling cannot say, since every resample is 1 too.

    Newcombe's method 5 (2006, "Confidence intervals for an effect size measure based on the Mann-Whitney statistic",
    part 2) for a measured AUROC of 1: the t at which 1 - t = z sqrt(V(t)), where mn V(t) = t (1 - t) (1 + (N - 1)
    ((1 - t) / (2 - t) + t / (1 + t))) and N = (m + n) / 2. positives, negatives: m and n, of independent groups.
    strata: into how many like parts they fall if pairs are compared within a part alone; V(t) is then that of the mean
    over the parts.
    """
    z = _NORMAL.inv_cdf((1 + level) / 2)
    more = (positives + negatives) / 2 - strata
    low, high = 0.0, 1.0
    for _ in range(60):
        t = (low + high) / 2
        # (1 - t)^2 / (1 - t): the factor that both sides share is taken out.
        variance = t * (strata + more * ((1 - t) / (2 - t) + t / (1 + t))) / (positives * negatives)
        low, high = (t, high) if 1 - t > z * z * variance else (low, t)
    return (low + high) / 2
