"""Many logistic regressions on the same rows at once: folds, penalties and label vectors as lines of one matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

MEMORY = 5  # steps that the quasi-Newton method remembers
RENEW = 5  # iterations after which the Hessian's diagonal is taken anew
MOST = 300  # iterations; strong penalties take 5 to 10, rows that a weak penalty separates take most
# Length of the gradient as a share of what it was at the start, in the bound's coordinates. Two penalties can be a
# single pair of rows apart in cross-validation: with 1e-3 another one than scikit-learn's was chosen for 4 of 78 sets.
TOLERANCE = 1e-6


def fit_weights(
    features: Array, variances: Array, labels: Mask, used: Mask, c: Array, tolerance: float = TOLERANCE
) -> Array:
    """Weights (p, r) of p regressions, each the minimum of |w|^2 / 2 + c * sum of log losses over its own rows.

    features: (n, r), uncorrelated (see `Basis`). variances: (r,). labels: (p, n). used: (p, n), the rows that count
    for each; both classes among them. c: (p,). The intercept is not penalised.

    L-BFGS (Nocedal 1980) for all p at once: an iteration is two matrix products. It works in coordinates in which the
    quadratic bound on the loss, with Hessian 1 + c n variances / 4 (Böhning and Lindsay 1988), is the identity: for
    uncorrelated features that is a scaling, and near the truth where the penalty is strong. Where it is weak the true
    Hessian leaves the bound, so that its diagonal is taken anew every few iterations, which halves their number.
    Finding the length of a step takes no products, since logits change along it in proportion.
    """
    weight = c * used.sum(axis=1)
    quadratic = 1 + weight[:, None] * variances / 4
    scale = 1 / np.sqrt(np.concatenate([quadratic, weight[:, None] / 4], axis=1))
    found = np.zeros_like(scale)
    live = np.arange(len(labels))
    problem = _Problems(features, labels & used, used * c[:, None], scale)
    point, logits = np.zeros_like(scale), np.zeros(labels.shape)
    slope = problem.slope(point, logits)
    small = tolerance * _length(slope)
    steps: list[tuple[Array, Array]] = []
    diagonal = np.ones_like(scale)
    for iteration in range(MOST):
        done = _length(slope) <= small
        if done.all():
            break
        if 3 * done.sum() >= len(done):  # lines that are ready are put aside once that saves something
            found[live[done]] = point[done]
            kept = ~done
            live, small = live[kept], small[kept]
            point, logits, slope, diagonal = point[kept], logits[kept], slope[kept], diagonal[kept]
            problem, steps = problem.of(kept), [(s[kept], g[kept]) for s, g in steps]
        if iteration and iteration % RENEW == 0:
            diagonal = problem.diagonal(logits)
        direction = -_inverse_hessian(steps, slope, diagonal)
        change = problem.along(direction)
        length = problem.step(point, direction, logits, change)
        move = length[:, None] * direction
        point, logits = point + move, logits + length[:, None] * change
        before, slope = slope, problem.slope(point, logits)
        steps = [*steps[-MEMORY + 1 :], (move, slope - before)]
    found[live] = point
    return (found * scale)[:, :-1]


class _Problems:
    """The regressions that are still under way, in the bound's coordinates: weights = point * scale, intercept last.

    labels: (p, n), False where a row does not count. c: (p, n), 0 where a row does not count.
    """

    def __init__(self, features: Array, labels: Mask, c: Array, scale: Array) -> None:
        self.features, self.labels, self.c, self.scale = features, labels, c, scale
        self.squares: Array | None = None
        # Penalty on the coordinates: |w|^2 / 2 without the intercept.
        self.penalty = scale**2
        self.penalty[:, -1] = 0

    def of(self, kept: Mask) -> _Problems:
        found = _Problems(self.features, self.labels[kept], self.c[kept], self.scale[kept])
        found.squares = self.squares
        return found

    def errors(self, logits: Array) -> Array:
        return self.c * (_sigmoid(logits) - self.labels)

    def slope(self, point: Array, logits: Array) -> Array:
        errors = self.errors(logits)
        raw = np.concatenate([errors @ self.features, errors.sum(axis=1, keepdims=True)], axis=1)
        return raw * self.scale + self.penalty * point

    def diagonal(self, logits: Array) -> Array:
        """Of the Hessian, (p, r + 1)."""
        if self.squares is None:
            self.squares = self.features**2
        rate = _sigmoid(logits)
        curve = self.c * rate * (1 - rate)
        raw = np.concatenate([curve @ self.squares, curve.sum(axis=1, keepdims=True)], axis=1)
        return raw * self.scale**2 + self.penalty

    def along(self, direction: Array) -> Array:
        """Change of the logits (p, n) for a step of length 1."""
        raw = direction * self.scale
        return raw[:, :-1] @ self.features.T + raw[:, -1:]

    def step(self, point: Array, direction: Array, logits: Array, change: Array) -> Array:
        """A length (p,) at which the slope along the direction is at most a tenth of what it was: Newton's method.

        The loss is convex, so that a length is too short while that slope is negative and too long once it is not.
        """
        own = np.sum(self.penalty * point * direction, axis=1)
        bend = np.sum(self.penalty * direction * direction, axis=1)
        start = own + np.sum(self.errors(logits) * change, axis=1)
        low, high, length = np.zeros_like(own), np.full_like(own, np.inf), np.ones_like(own)
        for _ in range(8):
            rate = _sigmoid(logits + length[:, None] * change)
            slope = own + length * bend + np.sum(self.c * (rate - self.labels) * change, axis=1)
            if np.all(np.abs(slope) <= -0.1 * start):
                break
            curve = bend + np.sum(self.c * rate * (1 - rate) * change * change, axis=1)
            low, high = np.where(slope < 0, length, low), np.where(slope < 0, high, length)
            wish = length - slope / np.maximum(curve, np.finfo(np.float64).tiny)
            inside = (wish > low) & (wish < np.minimum(high, 4 * length + 1))
            length = np.where(inside, wish, np.where(np.isfinite(high), (low + high) / 2, 2 * length))
        return length


def _inverse_hessian(steps: list[tuple[Array, Array]], slope: Array, diagonal: Array) -> Array:
    """The two loops of L-BFGS (Nocedal and Wright 2006, algorithm 7.4), line by line: (p, r + 1).

    The loops start from the inverse of `diagonal`, scaled to fit the latest step (their equation 7.20).
    """
    q = slope
    weights = []
    for move, turn in reversed(steps):
        rho = _inverse(np.sum(move * turn, axis=1))
        a = rho * np.sum(move * q, axis=1)
        q = q - a[:, None] * turn
        weights.append((rho, a))
    if steps:
        move, turn = steps[-1]
        fitting = np.sum(move * turn, axis=1) * _inverse(np.sum(turn * turn / diagonal, axis=1))
        q = q / diagonal * fitting[:, None]
    for (move, turn), (rho, a) in zip(steps, reversed(weights), strict=True):
        q = q + (a - rho * np.sum(turn * q, axis=1))[:, None] * move
    return q


def _inverse(values: Array) -> Array:
    """1 / values where they are positive; 0, which leaves a step out, where rounding made them vanish."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)


def _sigmoid(x: Array) -> Array:
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def _length(vectors: Array) -> Array:
    return np.sqrt(np.sum(vectors * vectors, axis=1))
