"""The interval is the percentile cluster bootstrap that it says it is, and holds the truth as often as it should."""

import math
import time

import numpy as np
import pytest
from scipy.stats import binom, norm

from core.errors import UserError
from core.stats import auroc, auroc_interval, auroc_intervals, bootstrap, bootstrap_aurocs
from tests import reference


@pytest.mark.parametrize("seed", range(20))
def test_each_resample_equals_the_rows_written_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.r_[0, 1, rng.integers(2, size=15)]
    scores = np.round(rng.normal(size=17), 1)
    groups = rng.integers(5, size=17)
    counts = bootstrap.draw_counts(rng, 30, 5)
    ours = bootstrap.resampled_aurocs(labels.astype(bool), scores, counts[:, groups].T.astype(float))
    assert ours == pytest.approx(reference.bootstrap_aurocs(labels, scores, groups, counts), abs=1e-12, nan_ok=True)


def test_counts_are_draws_with_replacement() -> None:
    counts = bootstrap.draw_counts(np.random.default_rng(0), 4000, 10)
    assert (counts.sum(axis=1) == 10).all()
    # A count is binomial(10, 1/10): mean 1, variance 0.9.
    assert counts.mean(axis=0) == pytest.approx(np.ones(10), abs=0.08)
    assert counts.var() == pytest.approx(0.9, abs=0.03)


def test_the_ends_are_the_corrected_percentiles_of_the_resamples() -> None:
    rng = np.random.default_rng(3)
    labels, groups = np.tile([0, 1, 1], 30), np.arange(90) // 6
    scores = rng.normal(size=90) + labels
    counts = bootstrap.draw_counts(np.random.default_rng(5), 200, 15)
    values = reference.bootstrap_aurocs(labels, scores, groups, counts)
    left_out = reference.bootstrap_aurocs(labels, scores, groups, 1 - np.eye(15, dtype=int))
    expected = reference.bca_interval(reference.auroc(labels, scores), values, left_out, 0.9)
    interval = auroc_interval(labels, scores, groups=groups, level=0.9, resamples=200, seed=5)
    assert interval == pytest.approx(expected, abs=1e-12)
    assert interval != pytest.approx(np.quantile(values, [0.05, 0.95]), abs=1e-3), "the correction does something"


def test_many_columns_share_their_resamples_and_have_the_intervals_that_each_has_alone() -> None:
    rng = np.random.default_rng(8)
    labels, groups = np.arange(60) % 2, np.arange(60) // 3
    scores = np.stack([rng.normal(size=60) + strength * labels for strength in (0, 1, 9)])
    together = auroc_intervals(labels, scores, groups=groups, resamples=200, seed=4)
    assert together == [auroc_interval(labels, line, groups=groups, resamples=200, seed=4) for line in scores]
    assert bootstrap_aurocs(labels, scores, groups=groups, resamples=200, seed=4).shape == (3, 200)


def test_perfect_separation_is_not_certain() -> None:
    """Every resample of a perfect score is perfect; Newcombe's equation, solved on a grid, says what could be."""
    labels = np.arange(20) % 2
    low, high = auroc_interval(labels, labels.astype(float))
    assert high == 1
    assert low == pytest.approx(reference.newcombe_lower(10, 10, 0.95), abs=1e-6)
    assert 0.75 < low < 0.9
    assert auroc_interval(labels, -labels.astype(float)) == (0.0, pytest.approx(1 - low))
    more = np.repeat(labels, 30)
    assert auroc_interval(more, more.astype(float))[0] > 0.98
    same = auroc_interval(more, more.astype(float), groups=np.repeat(np.arange(20), 30))
    assert same[0] == pytest.approx(low), "thirty copies of a row say no more than the row"


@pytest.mark.parametrize("truth", [0.9, 0.97, 0.99])
def test_coverage_near_one(truth: float) -> None:
    """Binormal scores, 150 rows: percentiles alone would hold a truth of .99 in 89% of cases."""
    shift, runs = math.sqrt(2) * norm.ppf(truth), 300
    hits = 0
    for run in range(runs):
        rng = np.random.default_rng([run, 1])
        labels = np.arange(150) % 2
        low, high = auroc_interval(labels, rng.normal(size=150) + shift * labels, resamples=300, seed=run)
        hits += low <= truth <= high
    assert hits >= 0.9 * runs


def test_chunks_do_not_change_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=80)
    scores = rng.normal(size=80) + labels
    whole = auroc_interval(labels, scores, resamples=300)
    monkeypatch.setattr(bootstrap, "_CELLS", 80 * 7)
    assert auroc_interval(labels, scores, resamples=300) == whole


def test_resamples_that_miss_a_class_are_drawn_anew() -> None:
    # A lone positive is missing from 36% of the resamples; the interval must not be made of those.
    labels, scores = [1] + [0] * 9, [5.0, *range(9)]
    low, high = auroc_interval(labels, scores, resamples=500)
    assert 0 <= low <= auroc(labels, scores) <= high <= 1
    assert not math.isnan(low + high)


def test_rows_of_a_group_do_not_count_as_independent() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(2, size=60)
    scores = rng.normal(size=60) + labels
    alone = auroc_interval(labels, scores)
    copied = [np.repeat(values, 10) for values in (labels, scores, np.arange(60))]
    grouped = auroc_interval(copied[0], copied[1], groups=copied[2])
    assert grouped == alone  # ten copies of a row say no more than the row
    naive = auroc_interval(copied[0], copied[1])
    assert naive[1] - naive[0] < 0.5 * (grouped[1] - grouped[0])


def test_coverage_on_binormal_scores_in_clusters() -> None:
    """Positives N(1, 1), negatives N(0, 1), half of the variance shared in clusters of 4: true AUROC Phi(1/sqrt(2))."""
    truth, runs, level = 0.5 * (1 + math.erf(1 / 2)), 400, 0.95
    rng = np.random.default_rng(0)
    labels, groups = np.tile([0, 1], 160), np.arange(320) // 4
    hits = 0
    for run in range(runs):
        noise = math.sqrt(0.5) * (rng.normal(size=80)[groups] + rng.normal(size=320))
        low, high = auroc_interval(labels, labels + noise, groups=groups, level=level, resamples=300, seed=run)
        hits += low <= truth <= high
    fewest, most = binom.interval(0.99, runs, level)
    assert fewest <= hits <= most


def test_1500_rows_and_1000_resamples_are_quick() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=1500)
    scores = rng.normal(size=1500) + labels
    started = time.process_time()
    auroc_interval(labels, scores)
    assert time.process_time() - started < 0.6  # about 0.05 s; the bound is loose for busy machines


def test_what_has_no_interval_is_refused() -> None:
    with pytest.raises(UserError, match="two groups"):
        auroc_interval([0, 1, 1], [1, 2, 3], groups=[4, 4, 4])
    with pytest.raises(UserError, match="one class"):
        auroc_interval([1, 1], [1, 2])
    with pytest.raises(ValueError, match="level"):
        auroc_interval([0, 1], [1, 2], level=95)
    with pytest.raises(ValueError, match="same length"):
        auroc_interval([0, 1], [1, 2], groups=[1])


def test_many_rows_fit_into_memory_and_parts_of_groups_give_the_same_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    import tracemalloc

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 20_000)
    scores = labels * 1.5 + rng.standard_normal(20_000)
    tracemalloc.start()
    auroc_interval(labels, scores, resamples=100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300e6  # a matrix of every row against every group would be 3 GB
    few = slice(0, 1200)
    monkeypatch.setattr("core.stats.bootstrap._PARTS", 10**9)
    exact = auroc_interval(labels[few], scores[few])
    monkeypatch.setattr("core.stats.bootstrap._PARTS", 500)
    assert auroc_interval(labels[few], scores[few]) == pytest.approx(exact, abs=5e-4)
