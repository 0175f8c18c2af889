"""Controls of a probe: the same number where nothing should be found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.stats import aurocs

SHUFFLES = 5
RANDOM_DIRECTIONS = 20


@dataclass(frozen=True)
class Control:
    """AUROC, 0-1, over several runs of a control: mean, lowest and highest. Chance is .5."""

    auroc: float
    lowest: float
    highest: float
    runs: int


def shuffled_labels(y: np.ndarray, groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """y (n,) with its labels dealt anew: among whole groups where a group is of one class, within it where it is not.

    Rows of one group keep one label, else the shuffled set would be easier or harder than the real one. With groups
    of unequal size the share of positives can change a little.
    """
    _, members = np.unique(groups, return_inverse=True)
    share = np.bincount(members, weights=y) / np.bincount(members)
    pure = np.flatnonzero((share == 0) | (share == 1))
    dealt = share.copy()
    dealt[pure] = rng.permutation(share[pure])
    shuffled = dealt[members].astype(y.dtype)
    for group in np.flatnonzero((share > 0) & (share < 1)):
        rows = np.flatnonzero(members == group)
        shuffled[rows] = rng.permutation(y[rows])
    return shuffled


def shuffles(
    train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], *, seed: int, runs: int = SHUFFLES
) -> tuple[np.ndarray, np.ndarray]:
    """Labels of both parts dealt anew `runs` times, (runs, n) and (runs, m). train, test: y and groups of a part.

    Both parts are shuffled, because a direction that is fitted to shuffled labels can still lean on the true concept,
    either way round, where that holds much of the variance: scored on the true labels of click-bait it gives anything
    from 0 to .94. Shuffled on both sides the control says what this probe scores when there is nothing to find.
    """
    rng = np.random.default_rng(seed)
    dealt = [(shuffled_labels(*train, rng), shuffled_labels(*test, rng)) for _ in range(runs)]
    return np.array([own for own, _ in dealt]), np.array([other for _, other in dealt])


def random_control(
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    *,
    seed: int,
    runs: int = RANDOM_DIRECTIONS,
) -> Control:
    """Directions drawn uniformly from the sphere; each may choose its sign on the train part, as a probe could.

    What it scores above .5 is what the concept's sheer share of the variance gives away. train: X (n, d), y (n,).
    test: X (m, d), y (m,).
    """
    directions = np.random.default_rng(seed).standard_normal((train[0].shape[1], runs))
    up = aurocs(train[1], (train[0] @ directions).T) >= 0.5
    scores = aurocs(test[1], (test[0] @ directions).T)
    return control_of(np.where(up, scores, 1 - scores))


def control_of(scores: np.ndarray) -> Control:
    """Sums up the AUROC of each run, (runs,)."""
    return Control(float(np.mean(scores)), float(np.min(scores)), float(np.max(scores)), len(scores))
