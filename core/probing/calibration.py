"""Calibration: whether texts that are called positive with 80% are positive in 80% of cases; and what a cut costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.probing.reading import Reading

BINS = 10
DRAWS = 200
CUTS = tuple(round(0.05 * step, 2) for step in range(1, 20))


@dataclass(frozen=True)
class Bin:
    """Test rows with probabilities from low to high. probability: their mean. positives: share that are, 0-1.

    interval: Wilson's 95% interval of that share, if rows were independent. rows: how many.
    """

    low: float
    high: float
    rows: int
    probability: float
    positives: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Cut:
    """Calling positive what has a probability above `probability`: shares of the test part, 0-1.

    precision: of those called positive, None if none is. recall: of the positives. false_alarms: of the negatives.
    """

    probability: float
    precision: float | None
    recall: float
    false_alarms: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """Probabilities of the test part, calibrated within the train part (Platt 1999) and held against its labels.

    bins: 10 of equal width, empty ones left out. ece: expected calibration error, the mean over rows of |share of
    positives - mean probability| of their bin, 0-1 (Naeini, Cooper and Hauskrecht 2015). ece_expected: what it would
    be on average, and ece_highest in 19 of 20 cases, if the probabilities were exactly right: few rows alone give an
    error. brier: mean squared error of the probability, 0-1. log_loss: bits per text; base_bits: with the train part's
    share of positives for every text. slope, intercept: of the curve. threshold: probability at the train part's best
    cut. cuts: operating points.
    """

    bins: tuple[Bin, ...]
    ece: float
    ece_expected: float
    ece_highest: float
    brier: float
    log_loss: float
    base_bits: float
    slope: float
    intercept: float
    threshold: float
    cuts: tuple[Cut, ...]
    n_test: int


def calibration_of(reading: Reading, *, seed: int = 0) -> Calibration:
    """How good the probabilities of a probe are on its test part."""
    y, scores = reading.y[reading.test], reading.scores[reading.test]
    p = reading.platt.probability(scores)
    simulated = np.random.default_rng(seed).random((DRAWS, len(p))) < p
    by_chance = expected_calibration_error(simulated, p)
    share = np.clip(np.mean(reading.y[reading.train] == 1), 1e-12, 1 - 1e-12)
    return Calibration(
        bins=tuple(_bins(y, p)),
        ece=float(expected_calibration_error(y[None] == 1, p)[0]),
        ece_expected=float(by_chance.mean()),
        ece_highest=float(np.quantile(by_chance, 0.95)),
        brier=float(np.mean((p - y) ** 2)),
        log_loss=float(np.mean(reading.platt.bits(scores, y))),
        base_bits=float(np.mean(-np.log2(np.where(y == 1, share, 1 - share)))),
        slope=reading.platt.slope,
        intercept=reading.platt.intercept,
        threshold=float(reading.platt.probability(np.array(reading.threshold))),
        cuts=tuple(_cut(y, p, cut) for cut in CUTS),
        n_test=len(y),
    )


def expected_calibration_error(labels: np.ndarray, p: np.ndarray) -> np.ndarray:
    """labels: (draws, n) booleans. p: (n,) probabilities. Returns (draws,), 0-1."""
    member = np.eye(BINS)[_bin_of(p)]
    return np.abs((labels - p) @ member).sum(axis=1) / len(p)


def _bin_of(p: np.ndarray) -> np.ndarray:
    return np.minimum((p * BINS).astype(int), BINS - 1)


def _bins(y: np.ndarray, p: np.ndarray) -> list[Bin]:
    found = []
    for number in range(BINS):
        here = _bin_of(p) == number
        n, positives = int(here.sum()), int(y[here].sum())
        if n:
            found.append(
                Bin(number / BINS, (number + 1) / BINS, n, float(p[here].mean()), positives / n, wilson(positives, n))
            )
    return found


def wilson(successes: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's interval (1927) of a share: of n independent trials, 95% by default."""
    share, more = successes / n, z * z / n
    centre = (share + more / 2) / (1 + more)
    half = z * np.sqrt(share * (1 - share) / n + more / (4 * n)) / (1 + more)
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


def _cut(y: np.ndarray, p: np.ndarray, cut: float) -> Cut:
    called, positive = p > cut, y == 1
    right = int(np.sum(called & positive))
    return Cut(
        probability=cut,
        precision=right / int(called.sum()) if called.any() else None,
        recall=right / int(positive.sum()),
        false_alarms=float(np.mean(called[~positive])),
        accuracy=float(np.mean(called == positive)),
    )
