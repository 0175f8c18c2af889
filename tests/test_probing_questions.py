"""What is asked after the score: errors, calibration, subgroups, transfer, learning curve, network, layers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import spearmanr

from core.directions import FINDERS, DiffMean, Logistic
from core.errors import UserError
from core.examples import split
from core.probing import calibration_of, errors_of, from_plain, subgroup_scores, to_plain
from core.probing.batched import draw
from core.probing.calibration import Calibration, expected_calibration_error, wilson
from core.probing.choosing import LayerScores, _scores, choice_of, jensen_shannon, spearman
from core.probing.curves import LearningCurve, curve_of
from core.probing.misread import Errors
from core.probing.nonlinear import Nonlinear, check_on
from core.probing.reading import Reading, reading_of
from core.probing.subgroups import Subgroups
from core.probing.transferring import TransferResult, _at_layer
from core.stats import auroc, auroc_interval
from pages.shared.probing_growth import nonlinear_sentence
from tests import reference, reference_probing


def read(n: int = 600, strength: float = 1.2, seed: int = 0, finder=FINDERS["logistic"]) -> Reading:
    rng = np.random.default_rng(seed)
    y, groups = np.arange(n) % 2, np.arange(n)
    X = rng.standard_normal((n, 12))
    X[:, 0] += strength * y
    train, test = split(y, groups, seed=seed)
    return reading_of(finder, X, y, groups, np.arange(n) + 7, train, test, seed=seed)


@pytest.mark.parametrize("finder", FINDERS.values(), ids=FINDERS)
def test_misread_rows_are_the_ones_that_accuracy_counts(finder) -> None:
    reading = read(finder=finder)
    errors = errors_of(reading)
    y, scores = reading.y[reading.test], reading.scores[reading.test]
    wrong = (scores > reading.threshold) != (y == 1)
    assert {one.row for one in errors.rows} == set((reading.test[wrong] + 7).tolist())
    assert errors.accuracy == pytest.approx(1 - wrong.mean())
    assert errors.false_positives == np.sum(wrong & (y == 0))
    assert errors.missed == pytest.approx(np.mean(wrong[y == 1]))
    confidence = [one.confidence for one in errors.rows]
    assert confidence == sorted(confidence, reverse=True)
    for one in errors.rows:
        assert one.label == reading.y[one.row - 7]
        assert one.confidence == pytest.approx(one.probability if one.label == 0 else 1 - one.probability)
    assert from_plain(Errors, to_plain(errors)) == errors


def test_calibrated_probabilities_come_true_and_overconfident_ones_are_found_out() -> None:
    reading = read(n=4000)
    found = calibration_of(reading)
    p = reading.platt.probability(reading.scores[reading.test])
    y = reading.y[reading.test]
    assert found.ece == pytest.approx(reference_probing.expected_calibration_error(y.tolist(), p.tolist()))
    assert found.ece < found.ece_highest
    assert found.log_loss < found.base_bits
    assert sum(one.rows for one in found.bins) == found.n_test
    assert found.brier == pytest.approx(np.mean((p - y) ** 2))
    for cut in found.cuts:
        called = p > cut.probability
        assert cut.recall == pytest.approx(called[y == 1].mean())
        assert cut.precision is None or cut.precision == pytest.approx(y[called].mean())
    steep = reading.platt.__class__(5 * reading.platt.slope, 5 * reading.platt.intercept)
    boast = calibration_of(Reading(**{**vars(reading), "platt": steep}))
    assert boast.ece > boast.ece_highest
    assert from_plain(Calibration, to_plain(found)) == found


def test_expected_calibration_error_by_hand() -> None:
    # Two rows at .2 (one positive: off by .3) and two at .9 (both: off by .1), of 4: .5 * .3 + .5 * .1.
    labels, p = np.array([[1, 0, 1, 1]]), np.array([0.2, 0.2, 0.9, 0.9])
    assert expected_calibration_error(labels, p)[0] == pytest.approx(0.2)


def test_wilsons_interval_is_the_published_one() -> None:
    # Newcombe 1998, table I, method 3: 81 of 263 gives .2553 to .3662, 0 of 20 gives 0 to .1611.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_probabilities_are_fitted_without_the_test_part() -> None:
    rng = np.random.default_rng(1)
    y, groups = np.arange(200) % 2, np.arange(200)
    X = rng.standard_normal((200, 8)) + y[:, None]
    train, test = split(y, groups)
    spoilt = X.copy()
    spoilt[test] = 50
    one, other = (reading_of(Logistic(), values, y, groups, np.arange(200), train, test) for values in (X, spoilt))
    assert (one.platt, one.threshold) == (other.platt, other.threshold)


def test_subgroups_are_told_apart() -> None:
    """One kind holds the concept, the other the opposite: differences are seen, and between equals they are not."""
    rng = np.random.default_rng(2)
    n = 900
    y, groups, kind = np.arange(n) % 2, np.arange(n), rng.integers(0, 3, n)
    X = rng.standard_normal((n, 4))
    X[:, 0] += np.where(kind == 0, 0.2, 2.5) * y
    train, test = split(y, groups)
    reading = reading_of(DiffMean(), X, y, groups, np.arange(n), train, test)
    names = [("poor", "rich", "well off")[k] for k in kind]
    names[test[0]] = ""
    found = subgroup_scores(reading, names, name="wealth", resamples=300)
    by_name = {one.value: one for one in found.kinds}
    assert set(by_name) == {"poor", "rich", "well off"}
    assert found.unnamed == 1
    assert by_name["poor"].difference_interval[1] < 0 < by_name["rich"].difference_interval[0]
    assert by_name["poor"].accuracy_difference_interval[1] < 0
    for value, one in by_name.items():
        inside = np.array([names[row] == value for row in test])
        own, scores = reading.y[test], reading.scores[test]
        assert one.auroc == auroc(own[inside], scores[inside])
        assert one.difference == pytest.approx(one.auroc - auroc(own[~inside], scores[~inside]))
        assert one.interval[0] < one.auroc < one.interval[1]
        assert one.rows == inside.sum()
    assert from_plain(Subgroups, to_plain(found)) == found


def test_where_all_is_told_apart_nothing_is_certain() -> None:
    """Every resample of a perfect score is perfect: the sweep's bound is told, and no difference of width nought."""
    n = 500
    y, groups = np.arange(n) % 2, np.arange(n)
    X = np.random.default_rng(8).standard_normal((n, 5))
    X[:, 0] += 30 * y
    train, test = split(y, groups)
    reading = reading_of(DiffMean(), X, y, groups, np.arange(n), train, test)
    for one in subgroup_scores(reading, [("a", "b")[row // 2 % 2] for row in range(n)], resamples=100).kinds:
        assert (one.auroc, one.interval[1], one.accuracy) == (1, 1, 1)
        assert 0.9 < one.interval[0] < 0.99
        assert one.difference_interval is None
        assert one.accuracy_difference_interval is None
    bound = auroc_interval(y[test], reading.scores[test])
    found = check_on(2, FINDERS["diffmean"], X, draw(y, groups, train, test, seed=0))
    assert (found.auroc_ci, found.linear_ci, found.difference_ci) == (bound, bound, None)
    assert "cannot be told" in nonlinear_sentence(found)
    assert from_plain(Nonlinear, to_plain(found)) == found
    part = X, y, groups, train
    (carried,) = _at_layer(2, [DiffMean()], part, part, test, 0, 0)
    assert (carried.auroc_ci, carried.reference_ci, carried.difference_ci) == (bound, bound, None)
    assert from_plain(TransferResult, to_plain(carried)) == carried


def test_a_small_kind_that_happens_to_be_perfect_is_not_read_better() -> None:
    rng = np.random.default_rng(9)
    n = 300
    y, reading = np.arange(n) % 2, read(n=n)
    scores = rng.standard_normal(n) + 2 * y
    few = reading.test[:6]
    scores[few] = 4 * y[few] - 2
    own = Reading(**{**vars(reading), "scores": scores, "threshold": 1.0})
    names = np.array(["rest"] * (n + 7), dtype=object)
    names[few + 7] = "few"
    found = {one.value: one for one in subgroup_scores(own, names.tolist(), resamples=200).kinds}["few"]
    assert (found.auroc, found.accuracy) == (1, 1)
    assert found.difference_interval[0] < 0 < found.difference_interval[1]
    assert found.accuracy_difference_interval[0] < 0 < found.accuracy_difference_interval[1]


def test_a_subgroup_without_both_classes_has_no_auroc_but_an_accuracy() -> None:
    reading = read(n=200)
    names = ["only" if label else "rest" for label in np.arange(207) % 2]
    names = ["only" if row >= 7 and (row - 7) % 2 else "rest" for row in range(207)]
    found = {one.value: one for one in subgroup_scores(reading, names, resamples=50).kinds}
    assert found["only"].auroc is None
    assert found["only"].difference_interval is None
    assert 0 < found["only"].accuracy < 1
    assert found["only"].accuracy_difference_interval is not None
    with pytest.raises(UserError, match="one for each text"):
        subgroup_scores(reading, ["a"] * 50)


def test_learning_curve_ends_at_the_probe_of_the_whole_part_and_rises() -> None:
    rng = np.random.default_rng(3)
    n = 500
    y, groups = np.arange(n) % 2, np.arange(n)
    X = rng.standard_normal((n, 40))
    X[:, :5] += 0.6 * y[:, None]
    train, test = split(y, groups)
    found = curve_of(4, [DiffMean(), Logistic()], X, y, groups, train, test)
    for curve, finder in zip(found.curves, (DiffMean(), Logistic()), strict=True):
        last = curve.points[-1]
        whole = auroc(y[test], X[test] @ finder.fit(X[train], y[train], groups=groups[train]))
        assert (last.n, last.lowest, last.highest) == (len(train), whole, whole)
        assert curve.points[0].n < 20
        assert curve.points[0].auroc < last.auroc - 0.05
        assert all(point.lowest <= point.auroc <= point.highest for point in curve.points)
    assert from_plain(LearningCurve, to_plain(found)) == found


def test_a_network_reads_what_no_line_does_and_nothing_where_there_is_nothing() -> None:
    rng = np.random.default_rng(4)
    n = 700
    y, groups = np.arange(n) % 2, np.arange(n)
    sign = rng.choice([-1, 1], n)
    X = rng.standard_normal((n, 6))
    X[:, 0] += 2.5 * sign
    X[:, 1] += 2.5 * sign * (2 * y - 1)  # exclusive or
    train, test = split(y, groups)
    draws = draw(y, groups, train, test, seed=0, words=rng.integers(0, 60, n))
    found = check_on(2, FINDERS["logistic"], X, draws)
    assert found.linear_auroc < 0.62
    assert found.auroc > 0.9
    assert found.difference_ci[0] > 0.2
    assert abs(found.shuffled.auroc - 0.5) < 0.1
    assert found.control_task.control_accuracy < 0.65
    assert from_plain(Nonlinear, to_plain(found)) == found
    nothing = check_on(2, FINDERS["logistic"], rng.standard_normal((n, 6)), draws)
    assert nothing.auroc_ci[0] < 0.55


def test_jensen_shannon_is_the_right_formula() -> None:
    rng = np.random.default_rng(5)
    p, q = rng.dirichlet(np.ones(7)), rng.dirichlet(np.ones(7))
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, base=2) ** 2)
    assert jensen_shannon(p, p) == 0
    assert jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1
    # By hand: p = (1, 0), q = (1/2, 1/2), m = (3/4, 1/4): (log2 4/3 + (log2 2/3 + log2 2) / 2) / 2.
    by_hand = (math.log2(4 / 3) + (math.log2(2 / 3) + 1) / 2) / 2
    assert jensen_shannon(np.array([1.0, 0.0]), np.array([0.5, 0.5])) == pytest.approx(by_hand)


def test_a_layer_is_not_chosen_for_its_noise() -> None:
    """The concept is at the first; the other two spread ten times as wide, 1.07 norms apart by chance."""
    rng = np.random.default_rng(10)
    n = 60
    y, groups = np.arange(n) % 2, np.arange(n)
    found = []
    for layer, (spread, strength) in enumerate(((0.2, 0.4), (2.0, 0.0), (2.0, 0.0))):
        X = spread * rng.standard_normal((n, 300)) + strength * np.outer(y, np.ones(300))
        train, test = split(y, groups)
        found.append(_scores(layer, DiffMean(), X, y, groups, train, test, 10.0, 0))
    assert found[0].mean_difference == pytest.approx(0.4 * np.sqrt(300) / 10, rel=0.1)
    assert max(one.mean_difference for one in found[1:]) < 0.5
    assert choice_of("diffmean", found).by_norm == 0


def test_layers_agree_or_not() -> None:
    def scores(layer: int, cv: float, norm: float, js: float) -> LayerScores:
        return LayerScores(layer, cv, cv, (0.0, 1.0), norm, js, 0.01)

    split_up = choice_of("lda", [scores(0, 0.6, 3.0, 0.1), scores(1, 0.9, 2.0, 0.2), scores(2, 0.8, 1.0, 0.3)])
    assert (split_up.by_auroc, split_up.by_norm, split_up.by_divergence, split_up.agree) == (1, 0, 2, False)
    assert split_up.correlations[2] == pytest.approx(-1)
    close = choice_of("lda", [scores(4, 0.6, 1.0, 0.1), scores(5, 0.9, 2.0, 0.4), scores(6, 0.8, 3.0, 0.3)])
    assert close.agree
    rng = np.random.default_rng(6)
    a, b = np.round(rng.standard_normal((2, 20)), 1)
    assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)
    assert spearman(a[:2], b[:2]) is None
    assert spearman(np.ones(5), b[:5]) is None


def test_threshold_is_where_most_training_rows_are_right() -> None:
    reading = read()
    own = reading.scores[reading.train]
    best = reference.best_accuracy(reading.y[reading.train].tolist(), own.tolist())
    assert np.mean((own > reading.threshold) == reading.y[reading.train]) == best
