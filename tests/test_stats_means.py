"""The interval of a mean of grouped values, against resampling written out and against theory."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import UserError
from core.stats import mean_interval
from core.stats.bootstrap import draw_counts


def test_it_is_the_quantiles_of_written_out_resamples() -> None:
    rng = np.random.default_rng(0)
    values, groups = rng.standard_normal((30, 2)), rng.integers(0, 7, 30)
    low, high = mean_interval(values, groups=groups, resamples=50, seed=3)
    counts = draw_counts(np.random.default_rng(3), 50, 7)
    means = [
        np.concatenate([values[groups == group] for group in range(7) for _ in range(times[group])]).mean(axis=0)
        for times in counts
    ]
    np.testing.assert_allclose([low, high], np.quantile(means, [0.025, 0.975], axis=0))


def test_rows_of_one_group_count_as_one() -> None:
    values = np.repeat(np.random.default_rng(1).standard_normal(40), 25)
    apart = np.diff(mean_interval(values))[0]
    together = np.diff(mean_interval(values, groups=np.repeat(np.arange(40), 25)))[0]
    assert 4 < together / apart < 6  # sqrt(25)


def test_it_covers_the_mean() -> None:
    rng = np.random.default_rng(2)
    hits = 0
    for run in range(200):
        low, high = mean_interval(rng.exponential(size=80), resamples=300, seed=run)
        hits += low <= 1 <= high
    assert 178 <= hits <= 197  # nominal 190; percentile intervals of skewed means are a little short


def test_one_group_has_no_interval() -> None:
    with pytest.raises(UserError, match="two groups"):
        mean_interval([1.0, 2.0], groups=[4, 4])
    with pytest.raises(ValueError, match="same length"):
        mean_interval([1.0, 2.0], groups=[4])
