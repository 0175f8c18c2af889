"""Linear discriminant analysis with a shrunken covariance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from core.directions.diffmean import contrast
from core.directions.finder import Finder, Parts
from core.directions.parameters import parameter
from core.directions.prepared import Prepared
from core.directions.scatter import Scatter


@dataclass(frozen=True)
class LDA(Finder):
    """Fisher's discriminant S^-1 (mean of positives - mean of negatives), S the shrunken within-class covariance.

    Dimensions are standardised first (as for logistic regression), so that the few of huge variance do not set the
    scale. S = (1 - a) C + a (trace C / d) I with C the covariance of the rows about their own class's mean, divided by
    n, and d the number of dimensions that vary (Ledoit and Wolf 2004, "A well-conditioned estimator for
    large-dimensional covariance matrices", section 3.2, gives a). The vector returned is `weights / standard
    deviation`: for normal classes of one covariance the gradient of the log odds with respect to the raw activation.
    The folds share the standardisation, which knows no labels.
    """

    name: ClassVar[str] = "lda"
    title: ClassVar[str] = "Shrinkage LDA"
    help: ClassVar[str] = "Difference of means, decorrelated by a shrunken covariance: nothing to tune."

    shrinkage: float = parameter(0.0, 0.0, 1.0, "Share of the spherical covariance; 0 takes Ledoit and Wolf's amount.")

    def fit_many(self, rows: Prepared, labels: np.ndarray, *, seed: int = 0) -> np.ndarray:
        return rows.raw(_weights(rows.basis.features, Scatter(rows.basis), labels, _varying(rows), self.shrinkage))

    def held_out(self, rows: Prepared, labels: np.ndarray, parts: Parts, *, seed: int = 0) -> np.ndarray:
        scores = np.full((1, len(labels)), np.nan)
        for train, test in parts:
            scatter = Scatter(rows.basis, test)
            Z = rows.basis.features[train] - scatter.mean
            weights = _weights(Z, scatter, labels[None, train], _varying(rows), self.shrinkage)
            scores[0, test] = scatter.held_out(weights)[0]
        return scores


def _varying(rows: Prepared) -> int:
    return max(1, int(np.isfinite(rows.scale).sum()))


def _weights(Z: np.ndarray, scatter: Scatter, labels: np.ndarray, d: int, shrinkage: float) -> np.ndarray:
    """Discriminants (p, r) of the label vectors (p, n). Z: (n, r) rows about their mean, d dimensions rotated.

    The within-class covariance is C = T - v D D', T that of all rows, D the difference of the class means and v =
    p (1 - p) of the share p of positives. So C is never made: its traces follow from those of T, and S^-1 D is in
    proportion to ((1 - a) T + a (trace C / d) I)^-1 D (Sherman and Morrison 1950).
    """
    n = scatter.n
    D = contrast(labels) @ Z
    share = labels.mean(axis=1)
    v, length = share * (1 - share), np.sum(D * D, axis=1)
    trace = scatter.trace / n - v * length
    along = np.sum(D * scatter.times(D), axis=1) / n
    squared = scatter.squared / n**2 - 2 * v * along + (v * length) ** 2
    a = np.full(len(labels), shrinkage)
    if shrinkage == 0:
        a = ledoit_wolf(trace, squared, _fourth_moments(Z, labels, D, share), n, d)
    found = []
    for own, a_, v_, trace_ in zip(D, a, v, trace, strict=True):
        ridge = a_ * trace_ / d
        if not ridge > 0 or a_ == 1:
            # Nothing varies within the classes, or nothing of the covariance is kept: there is nothing to undo.
            found.append(own * d / trace_ if trace_ > 0 else own)
            continue
        x = scatter.solve(own[None], ridge * n / (1 - a_))[0] * n / (1 - a_)
        found.append(x / (1 - (1 - a_) * v_ * (own @ x)))
    return np.array(found)


def _fourth_moments(Z: np.ndarray, labels: np.ndarray, D: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Mean over rows of |row - its class's mean|^4, (p,). The rows' mean is 0, which places the classes' means."""
    onto = (Z @ D.T).T  # (p, n)
    place = np.where(labels, (1 - share)[:, None], -share[:, None])  # a class's mean is place * D
    within = np.sum(Z * Z, axis=1) - 2 * place * onto + place**2 * np.sum(D * D, axis=1)[:, None]
    return np.asarray(np.mean(within**2, axis=1))


def ledoit_wolf(trace: np.ndarray, squared: np.ndarray, fourth: np.ndarray, n: int, d: int) -> np.ndarray:
    """Ledoit and Wolf's share of the spherical covariance, 0 to 1, of covariances C of n rows in d dimensions.

    trace: of C. squared: sum of its squared entries. fourth: mean over rows of |row|^4. All (p,). In the paper's words
    (whose norms are divided by d): m = trace C / d, d2 = |C - m I|^2, b2 = the mean over rows of |row row' - C|^2,
    divided by n and at most d2; the share is b2 / d2.
    """
    d2 = squared / d - (trace / d) ** 2
    b2 = np.clip((fourth - squared) / n / d, 0, np.maximum(d2, 0))
    return np.divide(b2, d2, out=np.ones_like(d2), where=d2 > 0)
