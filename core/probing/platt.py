"""From scores to probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Platt:
    """P(positive | score) = 1 / (1 + exp(-(slope * score + intercept))) (Platt 1999)."""

    slope: float
    intercept: float

    def probability(self, scores: np.ndarray) -> np.ndarray:
        """0 to 1, of the shape of `scores`."""
        return 0.5 + 0.5 * np.tanh(0.5 * self.logits(scores))

    def logits(self, scores: np.ndarray) -> np.ndarray:
        return self.slope * scores + self.intercept

    def bits(self, scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """-log2 of the probability that each row's own label gets. scores, labels: (n,)."""
        signed = np.where(labels == 1, 1.0, -1.0) * self.logits(scores)
        return np.asarray(np.logaddexp(0.0, -signed) / np.log(2))


def fit_platt(scores: np.ndarray, labels: np.ndarray) -> Platt:
    """The curve of highest likelihood, the labels drawn a little towards the middle.

    scores, labels: (n,), of rows that the scores' direction was not fitted on, else the curve is too steep. Platt's
    targets are (n+ + 1) / (n+ + 2) for positives and 1 / (n- + 2) for negatives; they keep the slope finite where the
    scores separate the classes. Newton's method with halved steps (Lin, Lin and Weng 2007).
    """
    positives = labels == 1
    n_positives, n_negatives = int(positives.sum()), int((~positives).sum())
    targets = np.where(positives, (n_positives + 1) / (n_positives + 2), 1 / (n_negatives + 2))
    middle, spread = float(scores.mean()), float(scores.std())
    start = np.log((n_positives + 1) / (n_negatives + 1))
    if not spread > 0:
        return Platt(0.0, float(start))
    A = np.column_stack([(scores - middle) / spread, np.ones(len(scores))])
    w = np.array([0.0, start])
    loss = _loss(A @ w, targets)
    for _ in range(100):
        p = 0.5 + 0.5 * np.tanh(0.5 * (A @ w))
        gradient = A.T @ (p - targets)
        if np.abs(gradient).max() < 1e-8 * len(scores):
            break
        hessian = (A * (p * (1 - p))[:, None]).T @ A + 1e-12 * np.eye(2)
        step, length = np.linalg.solve(hessian, gradient), 1.0
        while length > 1e-10 and (fresh := _loss(A @ (w - length * step), targets)) > loss:
            length /= 2
        w, loss = w - length * step, min(loss, fresh)
    return Platt(float(w[0] / spread), float(w[1] - w[0] * middle / spread))


def _loss(logits: np.ndarray, targets: np.ndarray) -> float:
    return float(np.sum(np.logaddexp(0.0, logits) - targets * logits))
