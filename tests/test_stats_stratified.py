"""AUROC within folds, its interval, and the bias-corrected bootstrap."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import UserError
from core.stats.bca import perfect_bound
from core.stats.bias_corrected import bias_corrected
from core.stats.stratified import stratified_aurocs, stratified_interval
from tests import reference, reference_tcav


def test_only_pairs_of_one_stratum_count() -> None:
    rng = np.random.default_rng(0)
    labels, scores = rng.random((4, 30)) < 0.5, rng.integers(0, 6, (4, 30)).astype(float)
    strata = np.repeat([0, 1, 2], 10)
    labels[2, :10] = True  # a stratum of one class
    for line in range(4):
        wins = pairs = 0.0
        for stratum in range(3):
            rows = np.flatnonzero(strata == stratum)
            y = labels[line, rows].astype(int).tolist()
            if 0 < sum(y) < len(y):
                of = sum(y) * (len(y) - sum(y))
                wins += reference.auroc(y, scores[line, rows].tolist()) * of
                pairs += of
        assert stratified_aurocs(labels, scores, strata)[line] == pytest.approx(wins / pairs, abs=1e-12)
    with pytest.raises(UserError, match="both classes"):
        stratified_aurocs(np.ones((1, 4), dtype=bool), np.zeros((1, 4)), np.zeros(4))


def test_interval_covers_what_other_rows_would_give() -> None:
    rng = np.random.default_rng(1)
    truth, covered = 0.7602, 0  # Phi(1 / sqrt 2), of two normals 1 apart
    for run in range(120):
        labels = np.arange(120) % 2 == 0
        scores = rng.standard_normal(120) + labels + 5.0 * (np.arange(120) >= 60)  # folds lie apart
        low, high = stratified_interval(labels, scores, np.arange(120) // 60, groups=np.arange(120), seed=run)
        covered += low <= truth <= high
    assert covered >= 106  # 95% is 114; the .005 quantile of the binomial is 107, less one for small samples


def test_bias_correction_is_that_of_the_paper() -> None:
    rng = np.random.default_rng(2)
    resamples = rng.standard_normal(999)
    for estimate in (-0.5, 0.0, 0.8):
        expected = reference_tcav.bias_corrected(estimate, resamples.tolist(), 0.95)
        assert bias_corrected(estimate, resamples) == pytest.approx(expected)
    # Where there is no bias the ends are plain percentiles.
    low, high = bias_corrected(float(np.median(resamples)), resamples)
    assert (low, high) == pytest.approx(tuple(np.quantile(resamples, [0.025, 0.975])), abs=1e-9)
    assert bias_corrected(1.0, np.ones(50)) == (1.0, 1.0)
    # An estimate outside of all resamples still gives an interval.
    assert all(np.isfinite(bias_corrected(100.0, resamples)))
    # Where all of them lie on one side there is a width, and the estimate is within.
    low, high = bias_corrected(4.0, resamples)
    assert low == pytest.approx(np.median(resamples))
    assert high == 4.0
    low, high = bias_corrected(-4.0, resamples)
    assert (low, high) == (-4.0, pytest.approx(np.median(resamples)))


@pytest.mark.parametrize("turned", [False, True])
def test_perfect_separation_has_an_interval(turned: bool) -> None:
    labels, strata = np.arange(40) % 2 == 0, np.arange(40) // 8
    scores = labels.astype(float) + 5.0 * strata
    low, high = stratified_interval(labels, -scores if turned else scores, strata, groups=np.arange(40))
    if turned:
        low, high = 1 - high, 1 - low
    assert high == 1.0
    assert perfect_bound(20, 20, 0.95) > low > 0.7, "wider than from the pairs across folds, which are not compared"
    twice = stratified_interval(labels, scores, strata, groups=np.arange(40) // 2)
    assert twice == stratified_interval(labels, scores, strata, groups=np.arange(40)), "20 pairs hold both classes"
    fewer = stratified_interval(labels, scores, strata, groups=np.where(labels, np.arange(40) // 8, 9 + np.arange(40)))
    assert fewer[0] < low, "by groups"
