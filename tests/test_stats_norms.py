"""Lengths of means: known truths, and how often the interval covers the truth."""

import numpy as np
import pytest

from core.errors import UserError
from core.stats.norms import mean_norm


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
