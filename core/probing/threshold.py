"""Where to cut scores into yes and no."""

from __future__ import annotations

import numpy as np


def best_threshold(y: np.ndarray, scores: np.ndarray) -> float:
    """The cut that classifies most of these rows rightly, `score > cut` meaning positive.

    y: (n,) 0 or 1. Cuts lie halfway between neighbouring scores, or outside all of them. Among equally good cuts
    the middle one is taken, so that the result does not lean to either class.
    """
    order = np.argsort(scores, kind="stable")
    s, labels = scores[order], y[order]
    # right[i]: rows classified rightly when the i lowest are called negative
    right = np.concatenate([[0], np.cumsum(labels == 0)]) + np.concatenate([np.cumsum(labels[::-1])[::-1], [0]])
    possible = np.concatenate([[True], s[1:] > s[:-1], [True]])
    best = np.flatnonzero(possible & (right == right[possible].max()))
    cut = int(best[(len(best) - 1) // 2])
    if cut == 0:
        return float(np.nextafter(s[0], -np.inf))
    if cut == len(s):
        return float(s[-1])
    return float((s[cut - 1] + s[cut]) / 2)


def accuracy(y: np.ndarray, scores: np.ndarray, threshold: float) -> float:
    """Share, 0-1, of rows that `score > threshold` classifies rightly."""
    return float(np.mean((scores > threshold) == (y == 1)))
