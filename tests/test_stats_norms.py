"""Lengths of means: known truths, and how often the interval covers the truth."""

import numpy as np
import pytest

from core.errors import UserError
from core.stats.norms import distance_of_means, mean_norm


def test_chance_is_taken_off_a_length() -> None:
    """The plain norm of 30 vectors about 0 in 50 dimensions is sqrt(50/30) = 1.3 by chance alone."""
    found = [mean_norm(np.random.default_rng(seed).standard_normal((30, 50)), resamples=200)[0] for seed in range(40)]
    squares = np.mean(np.square(found))
    assert squares < 0.15 * 50 / 30
    shifted = np.random.default_rng(1).standard_normal((4000, 50)) + 2 / np.sqrt(50)
    norm, low, high = mean_norm(shifted, resamples=200)
    assert low < 2 < high
    assert norm == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("length", [0.0, 0.5, 3.0])
def test_the_interval_of_a_length_covers_it(length: float) -> None:
    """99% binomial band of 200 runs about 190, widened downwards by what a bootstrap of 60 rows is known to lack."""
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        rows = rng.standard_normal((60, 20)) * np.linspace(0.2, 2, 20)
        rows[:, 0] += length
        _, low, high = mean_norm(rows, resamples=300, seed=seed)
        covered += low <= length <= high
    assert 178 <= covered <= 200 if length == 0 else 178 <= covered <= 199


def test_groups_are_drawn_whole() -> None:
    """Twenty copies of each of ten vectors hold what ten vectors hold, though they are two hundred rows."""
    rows = np.random.default_rng(1).standard_normal((10, 5)) + 1
    whole = mean_norm(np.repeat(rows, 20, axis=0), groups=np.repeat(np.arange(10), 20))
    np.testing.assert_allclose(whole, mean_norm(rows), atol=1e-9)
    assert mean_norm(np.repeat(rows, 20, axis=0))[2] < whole[2]


def test_one_group_has_no_interval() -> None:
    with pytest.raises(UserError, match="at least two groups"):
        mean_norm(np.ones((3, 2)), groups=[1, 1, 1])


def test_chance_is_taken_off_a_distance() -> None:
    """Two classes alike lie sqrt(tr S (1/n1 + 1/n2)) apart by chance; of 40 runs the mean square is all but none."""
    y = np.arange(60) < 20
    for spread in (1.0, 30.0):
        squares, plain = [], []
        for seed in range(60):
            X = spread * np.random.default_rng(seed).standard_normal((60, 200))
            squares.append(distance_of_means(X, y) ** 2)
            plain.append(np.sum((X[y].mean(axis=0) - X[~y].mean(axis=0)) ** 2))
        assert np.mean(plain) == pytest.approx(200 * spread**2 * (1 / 20 + 1 / 40), rel=0.05)
        assert np.mean(squares) < 0.08 * np.mean(plain)
        assert np.median(squares) < 0.05 * np.mean(plain)
    shift = np.random.default_rng(1).standard_normal(200)
    X = np.random.default_rng(2).standard_normal((4000, 200)) + np.outer(np.arange(4000) % 2, shift)
    assert distance_of_means(X, np.arange(4000) % 2) == pytest.approx(np.linalg.norm(shift), rel=0.02)


def test_a_distance_equals_its_formula_and_repeated_rows_add_nothing() -> None:
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((40, 7)) + 2 * np.outer(np.arange(40) % 2, np.ones(7)), np.arange(40) % 2
    one, other = X[y == 1], X[y == 0]
    noise = sum(np.trace(np.cov(part.T)) / len(part) for part in (one, other))
    expected = np.sqrt(np.sum((one.mean(axis=0) - other.mean(axis=0)) ** 2) - noise)
    assert distance_of_means(X, y) == pytest.approx(expected)
    groups = np.repeat(np.arange(40), 6)
    assert distance_of_means(np.repeat(X, 6, axis=0), np.repeat(y, 6), groups=groups) == pytest.approx(expected)
    assert distance_of_means(np.repeat(X, 6, axis=0), np.repeat(y, 6)) > expected
    assert distance_of_means(X[:2], [0, 1]) >= 0


def test_what_two_classes_of_a_group_share_is_no_noise() -> None:
    """Pairs of one text each: what it gives to both means cancels in their difference."""
    rng = np.random.default_rng(4)
    texts = 10 * rng.standard_normal((50, 30))
    X = np.concatenate([texts, texts + 0.5]) + 0.1 * rng.standard_normal((100, 30))
    y, groups = np.repeat([0, 1], 50), np.tile(np.arange(50), 2)
    assert distance_of_means(X, y, groups=groups) == pytest.approx(0.5 * np.sqrt(30), rel=0.02)
