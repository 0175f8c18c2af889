"""Controls of a probe: the same number where nothing should be found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.directions import Finder
from core.stats import auroc

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


def shuffled_control(
    finder: Finder,
    train: tuple[np.ndarray, np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray, np.ndarray],
    *,
    seed: int,
    runs: int = SHUFFLES,
) -> Control:
    """The same probe with the same settings on shuffled labels, dealt anew within the train and the test part.

    Both parts are shuffled, because a direction that is fitted to shuffled labels can still lean on the true concept,
    either way round, where that holds much of the variance: scored on the true labels of click-bait it gives anything
    from 0 to .94. Shuffled on both sides the control says what this probe scores when there is nothing to find.

    train, test: X (n, d), y (n,), groups (n,) of either part.
    """
    rng = np.random.default_rng(seed)
    scores = []
    for _ in range(runs):
        y_train, y_test = (shuffled_labels(y, groups, rng) for _, y, groups in (train, test))
        vector = finder.fit(train[0], y_train, groups=train[2], seed=seed)
        scores.append(auroc(y_test, test[0] @ vector))
    return _control(scores)


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
    on_train, on_test = train[0] @ directions, test[0] @ directions
    scores = []
    for run in range(runs):
        sign = 1 if auroc(train[1], on_train[:, run]) >= 0.5 else -1
        scores.append(auroc(test[1], sign * on_test[:, run]))
    return _control(scores)


def _control(scores: list[float]) -> Control:
    return Control(float(np.mean(scores)), min(scores), max(scores), len(scores))
