"""Intervals of counted shares."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from core.stats.shares import share_interval


@pytest.mark.parametrize(("hits", "runs"), [(0, 20), (1, 1), (20, 400), (400, 400), (7, 30)])
def test_the_interval_is_the_exact_one(hits: int, runs: int) -> None:
    expected = binomtest(hits, runs).proportion_ci(method="exact")
    assert share_interval(hits, runs) == pytest.approx((expected.low, expected.high))


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        share_interval(3, 2)
