"""Slow re-statements, straight from the definitions or the papers, that the tests hold the fast code against."""

import itertools
import math
import statistics
import unicodedata
from collections.abc import Sequence

import numpy as np


def auroc(labels: Sequence[int], scores: Sequence[float]) -> float:
    """All pairs of a positive and a negative, counted one by one (Hanley and McNeil 1982, equation 1)."""
    wins = pairs = 0.0
    for label, score in zip(labels, scores, strict=True):
        for other_label, other_score in zip(labels, scores, strict=True):
            if label == 1 and other_label == 0:
                pairs += 1
                wins += 1.0 if score > other_score else 0.5 if score == other_score else 0.0
    return wins / pairs


def bootstrap_aurocs(
    labels: Sequence[int], scores: Sequence[float], groups: Sequence[int], counts: Sequence[Sequence[int]]
) -> list[float]:
    """AUROC of each resample, its rows written out: counts[r][g] copies of group g's rows; NaN without a class."""
    values = []
    for times in counts:
        rows = [row for row in range(len(labels)) for _ in range(times[groups[row]])]
        drawn = [labels[row] for row in rows]
        one_class = len(set(drawn)) < 2
        values.append(math.nan if one_class else auroc(drawn, [scores[row] for row in rows]))
    return values


def bca_interval(value: float, drawn: Sequence[float], left_out: Sequence[float], level: float) -> tuple[float, float]:
    """Efron and Tibshirani 1993, equations 14.9, 14.10, 14.14 and 14.15; resamples equal to the value count half."""
    normal = statistics.NormalDist()
    share = sum(1.0 if one < value else 0.5 if one == value else 0.0 for one in drawn) / len(drawn)
    z0 = normal.inv_cdf(share)
    mean = sum(left_out) / len(left_out)
    a = sum((mean - one) ** 3 for one in left_out) / (6 * sum((mean - one) ** 2 for one in left_out) ** 1.5)
    ends = []
    for z in (normal.inv_cdf((1 - level) / 2), normal.inv_cdf((1 + level) / 2)):
        ends.append(float(np.quantile(drawn, normal.cdf(z0 + (z0 + z) / (1 - a * (z0 + z))))))
    return ends[0], ends[1]


def newcombe_lower(m: int, n: int, level: float) -> float:
    """Newcombe 2006, part 2, method 5: the smallest t with (1 - t)^2 <= z^2 V(t), found by trying a fine grid."""
    z = statistics.NormalDist().inv_cdf((1 + level) / 2)
    total = (m + n) / 2
    for step in range(10**6):
        t = step / 10**6
        variance = t * (1 - t) * (1 + (total - 1) * (1 - t) / (2 - t) + (total - 1) * t / (1 + t)) / (m * n)
        if (1 - t) ** 2 <= z * z * variance:
            return t
    return 1.0


def groups_of_rows(texts: Sequence[str], own: Sequence[str]) -> list[set[int]]:
    """Rows that are the same text or have the same own group, joined until nothing changes."""

    def same(one: int, other: int) -> bool:
        tidy = [" ".join(unicodedata.normalize("NFC", texts[row].lower()).split()) for row in (one, other)]
        return tidy[0] == tidy[1] or (own[one] != "" and own[one] == own[other])

    parts = [{row} for row in range(len(texts))]
    while True:
        for one, other in itertools.combinations(parts, 2):
            if any(same(a, b) for a in one for b in other):
                parts = [part for part in parts if part not in (one, other)] + [one | other]
                break
        else:
            return sorted(parts, key=min)


def difference_of_means(rows: Sequence[Sequence[float]], labels: Sequence[int]) -> list[float]:
    """Mean of the rows labelled 1 minus mean of those labelled 0, one dimension at a time."""
    vector = []
    for dimension in range(len(rows[0])):
        sums, counts = [0.0, 0.0], [0, 0]
        for row, label in zip(rows, labels, strict=True):
            sums[label] += row[dimension]
            counts[label] += 1
        vector.append(sums[1] / counts[1] - sums[0] / counts[0])
    return vector


def logistic_gradient(
    rows: Sequence[Sequence[float]], labels: Sequence[int], weights: Sequence[float], intercept: float, c: float
) -> list[float]:
    """Gradient, intercept last, of |w|^2 / (2 C) plus the sum of log losses: nought at the optimum, where alone.

    (Bishop 2006, Pattern Recognition and Machine Learning, equation 4.91, with the L2 penalty added.)
    """
    gradient = [weight / c for weight in weights] + [0.0]
    for row, label in zip(rows, labels, strict=True):
        logit = intercept + sum(weight * value for weight, value in zip(weights, row, strict=True))
        error = 1 / (1 + math.exp(-logit)) - label
        for dimension, value in enumerate(row):
            gradient[dimension] += error * value
        gradient[-1] += error
    return gradient


def best_accuracy(labels: Sequence[int], scores: Sequence[float]) -> float:
    """Highest share of rows rightly classified by `score > cut`, over all cuts that make a difference."""
    cuts = [min(scores) - 1, *scores]
    return max(
        sum((score > cut) == (label == 1) for label, score in zip(labels, scores, strict=True)) / len(labels)
        for cut in cuts
    )


def kept_tokens(h: np.ndarray, ids: Sequence[int], special: frozenset[int], all_positions: bool) -> list[int]:
    """Positions of one text that are kept: no first, no special token, no norm above 5 times their (lower) median."""
    if all_positions:
        return list(range(len(ids)))
    counted = [t for t in range(1, len(ids)) if ids[t] not in special]
    norms = [math.sqrt(sum(float(x) ** 2 for x in h[t])) for t in counted]
    if not norms:
        return []
    median = sorted(norms)[(len(norms) - 1) // 2]
    return [t for t, norm in zip(counted, norms, strict=True) if norm <= 5 * median]


def pooled(h: np.ndarray, kept: Sequence[int], pool: str) -> np.ndarray:
    """Mean over the kept tokens, the last of them, or all of them."""
    if pool == "mean":
        return sum(h[t].astype(np.float64) for t in kept) / len(kept)
    return h[kept[-1]] if pool == "last" else np.stack([h[t] for t in kept])
