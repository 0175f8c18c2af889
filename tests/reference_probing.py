"""Slow re-statements of what the probing rooms compute, straight from the papers, in plain Python.

Written from the formulas alone. Matrices are lists of rows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

Rows = Sequence[Sequence[float]]


def means(rows: Rows) -> list[float]:
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def standard_deviations(rows: Rows) -> list[float]:
    """Population standard deviations: divided by n."""
    centre = means(rows)
    return [math.sqrt(sum((row[j] - centre[j]) ** 2 for row in rows) / len(rows)) for j in range(len(centre))]


def solve(matrix: Rows, right: Sequence[float]) -> list[float]:
    """Gauss's elimination with the largest pivot."""
    a = [[*map(float, row), float(value)] for row, value in zip(matrix, right, strict=True)]
    size = len(a)
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(a[row][column]))
        a[column], a[pivot] = a[pivot], a[column]
        for row in range(size):
            if row != column:
                factor = a[row][column] / a[column][column]
                a[row] = [x - factor * y for x, y in zip(a[row], a[column], strict=True)]
    return [a[row][size] / a[row][row] for row in range(size)]


def ledoit_wolf(rows: Rows) -> tuple[float, list[list[float]]]:
    """The share of the spherical target and the shrunken covariance of rows of mean 0 (Ledoit and Wolf 2004).

    Their definition 1 and section 3.3, with the norm |A|^2 = tr(A A') / p: m = <S, I>, d2 = |S - m I|^2,
    b2 = min(d2, sum over rows of |x x' - S|^2 / n^2), S* = (b2 / d2) m I + (1 - b2 / d2) S.
    """
    n, p = len(rows), len(rows[0])
    S = [[sum(row[i] * row[j] for row in rows) / n for j in range(p)] for i in range(p)]
    m = sum(S[i][i] for i in range(p)) / p
    d2 = sum((S[i][j] - (m if i == j else 0.0)) ** 2 for i in range(p) for j in range(p)) / p
    bar_b2 = sum(sum((row[i] * row[j] - S[i][j]) ** 2 for i in range(p) for j in range(p)) / p for row in rows) / n**2
    share = min(d2, bar_b2) / d2
    shrunk = [[(1 - share) * S[i][j] + (share * m if i == j else 0.0) for j in range(p)] for i in range(p)]
    return share, shrunk


def shrinkage_lda(rows: Rows, labels: Sequence[int]) -> list[float]:
    """S*^-1 (mean of positives - mean of negatives) in standardised dimensions, taken back to raw ones.

    Fisher 1936 with the pooled within-class covariance of Ledoit and Wolf 2004.
    """
    centre, deviation = means(rows), standard_deviations(rows)
    z = [[(x - c) / s for x, c, s in zip(row, centre, deviation, strict=True)] for row in rows]
    by_class = {side: means([row for row, label in zip(z, labels, strict=True) if label == side]) for side in (0, 1)}
    within = [[x - c for x, c in zip(row, by_class[label], strict=True)] for row, label in zip(z, labels, strict=True)]
    difference = [a - b for a, b in zip(by_class[1], by_class[0], strict=True)]
    return [w / s for w, s in zip(solve(ledoit_wolf(within)[1], difference), deviation, strict=True)]


def ridge(rows: Rows, labels: Sequence[int], penalty: float) -> list[float]:
    """Weights of mean((y - b - w z)^2) + penalty |w|^2 on standardised z, back in raw dimensions: normal equations."""
    n, p = len(rows), len(rows[0])
    centre, deviation = means(rows), standard_deviations(rows)
    z = [[(x - c) / s for x, c, s in zip(row, centre, deviation, strict=True)] for row in rows]
    share = sum(labels) / n
    left = [[sum(row[i] * row[j] for row in z) / n + (penalty if i == j else 0.0) for j in range(p)] for i in range(p)]
    right = [sum(row[i] * (label - share) for row, label in zip(z, labels, strict=True)) / n for i in range(p)]
    return [w / s for w, s in zip(solve(left, right), deviation, strict=True)]


def paired_pca(pairs: Sequence[tuple[Sequence[float], Sequence[float]]]) -> list[float]:
    """Unit vector v with the largest sum of ((positive - negative) v)^2, the sign that most pairs agree with.

    Power iteration on the second moment of the differences.
    """
    differences = [[a - b for a, b in zip(one, other, strict=True)] for one, other in pairs]
    p = len(differences[0])
    v = [1.0 / (1 + j) for j in range(p)]
    for _ in range(5000):
        along = [sum(x * y for x, y in zip(row, v, strict=True)) for row in differences]
        v = [sum(a * row[j] for a, row in zip(along, differences, strict=True)) for j in range(p)]
        length = math.sqrt(sum(x * x for x in v))
        v = [x / length for x in v]
    votes = sum(1 if sum(x * y for x, y in zip(row, v, strict=True)) > 0 else -1 for row in differences)
    return v if votes > 0 else [-x for x in v]


def online_codelength(
    labels: Sequence[int], ends: Sequence[int], predict: Callable[[int], Callable[[int], float]], classes: int = 2
) -> float:
    """Bits of the online code (Voita and Titov 2020, equation 3): t1 log2 K - sum of log2 p(y | x, rows before).

    labels: in the order in which they are told. ends: t1 < t2 < ... = n. predict(t): the model fitted on the first t
    rows, which gives the probability of being positive of row i.
    """
    bits = ends[0] * math.log2(classes)
    for start, end in itertools.pairwise(ends):
        model = predict(start)
        for row in range(start, end):
            p = model(row)
            bits -= math.log2(p if labels[row] == 1 else 1 - p)
    return bits


def prior_codelength(labels: Sequence[int], ends: Sequence[int]) -> float:
    """Bits of the same code where nothing is known but the labels before: Laplace's rule, (positives + 1) / (t + 2)."""

    def predict(t: int) -> Callable[[int], float]:
        return lambda _: (sum(labels[:t]) + 1) / (t + 2)

    return online_codelength(labels, ends, predict)


def selectivity(task: Sequence[tuple[int, int]], control: Sequence[Sequence[tuple[int, int]]]) -> float:
    """Accuracy on the task minus accuracy on the control task (Hewitt and Liang 2019, section 2.2), here its mean
    over draws. Each entry: the label, and what the probe said."""

    def accuracy(pairs: Sequence[tuple[int, int]]) -> float:
        return sum(label == said for label, said in pairs) / len(pairs)

    return accuracy(task) - sum(accuracy(pairs) for pairs in control) / len(control)


def expected_calibration_error(labels: Sequence[int], probabilities: Sequence[float], bins: int = 10) -> float:
    """Sum over equal bins of (rows / n) |accuracy - confidence| (Naeini et al. 2015; Guo et al. 2017, equation 3)."""
    total = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        inside = [
            (label, p)
            for label, p in zip(labels, probabilities, strict=True)
            if low <= p < high or (number == bins - 1 and p == 1)
        ]
        if inside:
            share = sum(label for label, _ in inside) / len(inside)
            mean = sum(p for _, p in inside) / len(inside)
            total += len(inside) / len(labels) * abs(share - mean)
    return total
