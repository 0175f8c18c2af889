"""The interval of a difference is the paired cluster bootstrap that it says it is, and knows what it cannot tell."""

import math
import statistics

import numpy as np
import pytest

from core.stats import auroc, auroc_interval, auroc_leads, bootstrap, difference_ends
from tests import reference


def test_the_ends_are_two_intervals_put_together_by_what_resamples_share() -> None:
    rng = np.random.default_rng(3)
    labels, groups = np.tile([0, 1, 1], 30), np.arange(90) // 6
    scores = np.stack([rng.normal(size=90) + strength * labels for strength in (1.0, 0.4, 0.8)])
    counts = bootstrap.draw_counts(np.random.default_rng(5), 200, 15)
    leads = auroc_leads(labels, scores, groups=groups, level=0.9, resamples=200, seed=5)
    assert len(leads) == 2
    ends = [auroc_interval(labels, line, groups=groups, level=0.9, resamples=200, seed=5) for line in scores]
    for other, own in enumerate(leads, start=1):
        a, b = (reference.auroc(labels, scores[line]) for line in (0, other))
        drawn = [reference.bootstrap_aurocs(labels, scores[line], groups, counts) for line in (0, other)]
        r = statistics.correlation(*drawn)
        (low, high), (other_low, other_high) = ends[0], ends[other]
        expected = (
            a - b - math.sqrt((a - low) ** 2 + (other_high - b) ** 2 - 2 * r * (a - low) * (other_high - b)),
            a - b + math.sqrt((high - a) ** 2 + (b - other_low) ** 2 - 2 * r * (high - a) * (b - other_low)),
        )
        assert own == pytest.approx(expected, abs=1e-9)


def test_pairing_tells_what_two_intervals_leave_open() -> None:
    """What makes a row hard is the same for both lines: their intervals overlap, and one of them always wins."""
    rng = np.random.default_rng(1)
    labels = np.arange(160) % 2
    hard = rng.normal(size=160)
    scores = np.stack([hard + 1.6 * labels, hard + 1.0 * labels + 0.1 * rng.normal(size=160)])
    (low, _), (_, high) = (auroc_interval(labels, line) for line in scores)
    assert low < high
    (lead,) = auroc_leads(labels, scores)
    assert lead is not None
    assert 0.02 < lead[0] < auroc(labels, scores[0]) - auroc(labels, scores[1]) < lead[1]


def test_what_resampling_cannot_tell_is_not_told() -> None:
    rng = np.random.default_rng(2)
    labels = np.arange(150) % 2
    perfect, poor = labels + 0.3 * rng.random(150), labels + 1.2 * rng.normal(size=150)
    same, one, turned = auroc_leads(labels, np.stack([perfect, 2 * perfect, poor, -perfect]))
    assert same is None
    assert auroc_leads(labels, np.stack([poor, 3 * poor])) == [None], "one ranking twice"
    # One of them perfect: Newcombe's square-and-add of the two intervals, by hand.
    bound, own, (low, high) = auroc_interval(labels, perfect)[0], auroc(labels, poor), auroc_interval(labels, poor)
    by_hand = 1 - own - math.hypot(1 - bound, high - own), min(1.0, 1 - own + math.hypot(0, own - low))
    assert one == pytest.approx(by_hand)
    assert turned == pytest.approx((1 - math.hypot(1 - bound, 1 - bound), 1.0))
    assert one[0] < np.quantile(1 - bootstrap.bootstrap_aurocs(labels, poor[None]), 0.025), "1 is not certain"


def test_newcombes_published_example_of_two_shares() -> None:
    """Newcombe 1998, "Interval estimation for the difference between independent proportions", table II, method 10:
    10/10 against 0/20 gives .6791 to 1."""
    wilson = (0.7225, 1.0), (0.0, 0.1611)
    ends = difference_ends((1.0, 0.0), wilson, np.ones((2, 5)))
    assert ends == pytest.approx((0.6791, 1.0), abs=2e-4)


def test_two_that_read_equally_well_are_seldom_told_apart() -> None:
    """Near 1, where BCa of the differences told two readers of a true .99 apart in one run of six."""
    rng, labels, apart = np.random.default_rng(0), np.arange(150) % 2, 0
    for run in range(150):
        noise = np.sqrt(0.5) * (rng.normal(size=150) + rng.normal(size=(2, 150)))
        (lead,) = auroc_leads(labels, noise + 3.29 * labels, resamples=200, seed=run)
        apart += lead is not None and not lead[0] <= 0 <= lead[1]
    assert apart <= 18
