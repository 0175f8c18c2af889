"""Slow re-statements for TCAV, straight from the definitions, that the tests hold the fast code against."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np


def mean_difference(rows: np.ndarray, labels: Sequence[bool]) -> np.ndarray:
    """Mean of the rows labelled True minus mean of the others, row by row."""
    of = {True: [row for row, label in zip(rows, labels, strict=True) if label], False: []}
    of[False] = [row for row, label in zip(rows, labels, strict=True) if not label]
    return sum(of[True]) / len(of[True]) - sum(of[False]) / len(of[False])


def statistic(gradients: np.ndarray, cav: np.ndarray) -> float:
    """Mean over the inputs of the gradient, scaled to length 1, times the CAV, which is not scaled."""
    return sum(float(g @ cav) / math.sqrt(float(g @ g)) for g in gradients) / len(gradients)


def permutation_p(values: np.ndarray) -> float:
    """Two-sided p of the largest |z| over cells; values[0] is the true labelling's, (1 + b, cells).

    Cells are made comparable by mean and standard deviation over all labellings, the true one among them.
    """
    largest = [0.0] * len(values)
    for cell in range(values.shape[1]):
        column = [float(value) for value in values[:, cell]]
        mean = sum(column) / len(column)
        deviation = math.sqrt(sum((value - mean) ** 2 for value in column) / len(column))
        for place, value in enumerate(column):
            largest[place] = max(largest[place], abs(value - mean) / deviation)
    return sum(value >= largest[0] * (1 - 1e-12) for value in largest) / len(values)


def shrunken_inverse(rows: np.ndarray, ridge: float) -> np.ndarray:
    """(covariance + ridge * trace / d * I)^-1 by plain inversion."""
    d = rows.shape[1]
    mean = rows.mean(axis=0)
    covariance = sum(np.outer(row - mean, row - mean) for row in rows) / (len(rows) - 1)
    return np.linalg.inv(covariance + ridge * np.trace(covariance) / d * np.eye(d))


def sign_count(gradients: np.ndarray, cav: np.ndarray) -> float:
    """Captum 0.9, `TCAV.interpret`: the share of inputs whose attribution along the CAV is above 0."""
    return sum(float(g @ cav) > 0 for g in gradients) / len(gradients)


def magnitude(gradients: np.ndarray, cav: np.ndarray) -> float:
    """Captum 0.9, `TCAV.interpret`: the mean of the attributions along the CAV, as long as the CAV is."""
    return sum(float(g @ cav) for g in gradients) / len(gradients)


def holm(p: Sequence[float]) -> list[float]:
    """Holm (1979): in ascending order, each times the number of those not smaller, never below the one before."""
    adjusted, highest = [0.0] * len(p), 0.0
    for rank, place in enumerate(sorted(range(len(p)), key=lambda one: p[one])):
        highest = max(highest, min(1.0, (len(p) - rank) * p[place]))
        adjusted[place] = highest
    return adjusted


def holm_families_reject(families: Sequence[Sequence[float]], level: float) -> list[list[bool]]:
    """Which are rejected: all up to level / (families not rejected whole), again until nothing changes."""
    rejected = [[False] * len(family) for family in families]
    while True:
        left = sum(not all(family) for family in rejected)
        found = [
            [p <= level / max(left, 1) or was for p, was in zip(family, before, strict=True)]
            for family, before in zip(families, rejected, strict=True)
        ]
        if found == rejected:
            return rejected
        rejected = found


def benjamini_hochberg_rejects(p: Sequence[float], level: float) -> list[bool]:
    """The k smallest, k the largest rank whose p is at most rank / number * level."""
    ordered = sorted(p)
    ranks = [rank for rank, value in enumerate(ordered, start=1) if value <= rank / len(p) * level]
    bound = ordered[max(ranks) - 1] if ranks else -1.0
    return [value <= bound for value in p]


def bias_corrected(estimate: float, resamples: Sequence[float], level: float) -> tuple[float, float]:
    """Efron (1981), equation 7.2: the ends are quantiles at Phi(2 z0 -+ z), z0 from the share below the estimate."""
    normal = NormalDist()
    below = sum(1.0 if value < estimate else 0.5 if value == estimate else 0.0 for value in resamples)
    z0 = normal.inv_cdf(below / len(resamples))
    z = normal.inv_cdf((1 + level) / 2)
    low, high = (np.quantile(list(resamples), normal.cdf(2 * z0 + tail)) for tail in (-z, z))
    return float(low), float(high)


def sgd_cav(positives: np.ndarray, negatives: np.ndarray) -> np.ndarray:
    """The linear classifier that tensorflow/tcav, LIT and Captum fit by default: hinge loss, stochastic gradients."""
    from sklearn.linear_model import SGDClassifier

    y = np.repeat([1, 0], [len(positives), len(negatives)])
    return SGDClassifier(alpha=0.01, max_iter=1000, tol=1e-3).fit(np.concatenate([positives, negatives]), y).coef_[0]


def tensorflow_tcav_p(concept: np.ndarray, randoms: Sequence[np.ndarray], gradients: np.ndarray) -> float:
    """tensorflow/tcav, utils.print_results: a t-test of the scores of the concept against each random set, and of each
    random set against each other one."""
    from scipy.stats import ttest_ind

    ours = [sign_count(gradients, sgd_cav(concept, random)) for random in randoms]
    null = [
        sign_count(gradients, sgd_cav(one, other))
        for place, one in enumerate(randoms)
        for number, other in enumerate(randoms)
        if number != place
    ]
    return float(ttest_ind(null, ours).pvalue)


def captum_tutorial_p(concept: np.ndarray, randoms: Sequence[np.ndarray], gradients: np.ndarray) -> float:
    """Captum's tutorial TCAV_Image: the concept's scores against each random set, and the random sets' own scores in
    the same pairs, whose CAVs are the same turned round."""
    from scipy.stats import ttest_ind

    cavs = [sgd_cav(concept, random) for random in randoms]
    ours = [sign_count(gradients, cav) for cav in cavs]
    return float(ttest_ind(ours, [sign_count(gradients, -cav) for cav in cavs]).pvalue)


def lit_p(concept: np.ndarray, others: np.ndarray, gradients: np.ndarray, rng: np.random.Generator) -> float:
    """LIT, components/tcav.py: 15 draws of the concept's size from the rest, against 15 of draws from everything."""
    from scipy.stats import ttest_ind

    def some(rows: np.ndarray) -> np.ndarray:
        return rows[rng.choice(len(rows), len(concept), replace=False)]

    everything = np.concatenate([concept, others])
    ours = [sign_count(gradients, sgd_cav(concept, some(others))) for _ in range(15)]
    null = [sign_count(gradients, sgd_cav(some(everything), some(others))) for _ in range(15)]
    return float(ttest_ind(ours, null).pvalue)
