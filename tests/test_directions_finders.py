"""Finders: each against a slow re-statement or a plain scikit-learn pipeline, on arrays."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info

from core.directions import FINDERS, DiffMean, Logistic, finder_named, parameters, with_parameters
from core.directions.logistic import STRENGTHS
from core.directions.prepared import inner_folds
from core.directions.threads import one_blas_thread
from core.errors import UserError
from core.examples import folds, split
from tests import reference


def planted(n: int, d: int, strength: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows with a concept planted on one axis of a rotated space, whose variances span six orders of magnitude.

    X (n, d) float32, y (n,), the shift between the classes (d,).
    """
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    deviations = 10.0 ** rng.uniform(-1, 2, size=d)
    shift = strength * rng.standard_normal(d) / np.sqrt(d) * deviations
    X = 50 + rng.standard_normal((n, d)) * deviations + np.outer(y, shift)
    return X.astype(np.float32), y, shift


@pytest.mark.parametrize("seed", range(3))
def test_diffmean_is_the_difference_of_means(seed: int) -> None:
    X, y, _ = planted(31, 5, 2.0, seed)
    expected = reference.difference_of_means(X.astype(float).tolist(), y.tolist())
    np.testing.assert_allclose(DiffMean().fit(X, y), expected, rtol=1e-12)


def test_diffmean_by_hand() -> None:
    X = np.array([[1.0, 0.0], [3.0, 2.0], [0.0, 5.0]])
    assert DiffMean().fit(X, np.array([1, 1, 0])).tolist() == [2.0, -4.0]


@pytest.mark.parametrize("c", [1e-3, 1e-1])
def test_logistic_vector_is_the_logits_gradient_in_raw_space(c: float) -> None:
    X, y, _ = planted(200, 12, 3.0, 0)
    vector = Logistic(c=c).fit(X, y)
    deviation = X.std(axis=0, dtype=float)
    Z = (X - X.mean(axis=0, dtype=float)) / deviation
    plain = LogisticRegression(C=c, tol=1e-10, max_iter=10_000).fit(Z, y)
    np.testing.assert_allclose(vector * deviation, plain.coef_[0], rtol=0.02, atol=2e-3 * abs(plain.coef_).max())
    gradient = reference.logistic_gradient(Z.tolist(), y.tolist(), plain.coef_[0].tolist(), plain.intercept_[0], c)
    assert max(map(abs, gradient)) < 1e-4, "the C of scikit-learn is not the C that the docstring describes"
    logits = X @ vector
    np.testing.assert_allclose(np.diff(logits), np.diff(plain.decision_function(Z)), atol=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_logistic_agrees_with_a_plain_pipeline_on_the_same_split(seed: int) -> None:
    X, y, _ = planted(500, 60, 1.5, seed)
    groups = np.arange(len(y))
    train, test = split(y, groups, seed=seed)
    settled = Logistic().settle(X[train], y[train], groups=groups[train], seed=seed)
    ours = roc_auc_score(y[test], X[test] @ settled.finder.fit(X[train], y[train]))
    parts = folds(y[train], groups[train], k=5, seed=seed)
    plain = make_pipeline(
        StandardScaler(),
        LogisticRegressionCV(
            Cs=STRENGTHS, cv=parts, scoring="roc_auc", l1_ratios=(0.0,), use_legacy_attributes=False, tol=1e-8
        ),
    ).fit(X[train].astype(float), y[train])
    theirs = roc_auc_score(y[test], plain.decision_function(X[test].astype(float)))
    assert 0.6 < theirs < 0.99, "a task without room for disagreement tests nothing"
    assert abs(ours - theirs) < 0.005
    assert settled.cv_auroc == pytest.approx(plain[-1].scores_.mean(axis=0).max(), abs=0.005)


@pytest.mark.parametrize("finder", FINDERS.values(), ids=FINDERS)
def test_positives_score_higher(finder) -> None:
    X, y, _ = planted(200, 20, 4.0, 1)
    for labels in (y, 1 - y):
        scores = X @ finder.fit(X, labels)
        # What differs most between any two rows leads the paired differences astray.
        assert roc_auc_score(labels, scores) > (0.65 if finder.name == "pca" else 0.8)


@pytest.mark.parametrize("finder", FINDERS.values(), ids=FINDERS)
def test_fit_does_not_change_its_inputs_and_repeats_bit_for_bit(finder) -> None:
    X, y, _ = planted(60, 8, 1.0, 2)
    before = X.copy(), y.copy()
    first, second = finder.fit(X, y, seed=3), finder.fit(X, y, seed=3)
    assert first.dtype == np.float64
    assert first.tobytes() == second.tobytes()
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])


def test_a_dimension_that_does_not_vary_has_no_weight() -> None:
    X, y, _ = planted(80, 6, 3.0, 3)
    X[:, 2] = 1234.567
    vector = Logistic(c=0.1).fit(X, y)
    assert vector[2] == 0
    assert np.isfinite(vector).all()


@pytest.mark.parametrize("finder", FINDERS.values(), ids=FINDERS)
def test_cross_validation_keeps_groups_whole(finder) -> None:
    """Copies with random labels per group: read at sight if a copy is on the other side, not at all otherwise."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 5)
    y = np.repeat(np.arange(60) % 2, 5)
    X = np.repeat(rng.standard_normal((60, 300)), 5, axis=0) + 0.01 * rng.standard_normal((300, 300))
    torn = finder.settle(X, y, groups=np.arange(300)).cv_auroc
    whole = finder.settle(X, y, groups=groups).cv_auroc
    # What differs most between random pairs is not fitted to their labels, and so remembers few of them.
    assert torn > (0.6 if finder.name == "pca" else 0.95)
    assert 0.2 < whole < 0.75


def test_few_rows_make_fewer_folds_or_none() -> None:
    assert inner_folds(np.array([1, 0]), None, k=5, seed=0) == []
    assert len(inner_folds(np.array([1, 1, 1, 0, 0, 0]), None, k=5, seed=0)) == 3
    lopsided = inner_folds(np.array([1] * 9 + [0] * 9), np.array([0] * 9 + [1] * 9), k=5, seed=0)
    assert lopsided == []
    settled = Logistic().settle(np.array([[1.0], [0.0]]), np.array([1, 0]))
    assert settled.cv_auroc is None
    assert settled.finder.c > 0


@pytest.mark.parametrize("finder", FINDERS.values(), ids=FINDERS)
def test_one_class_is_refused(finder) -> None:
    with pytest.raises(UserError, match="no negatives"):
        finder.fit(np.ones((3, 2)), np.ones(3))


def test_unknown_method_names_those_there_are() -> None:
    with pytest.raises(UserError, match="diffmean, logistic, ridge, lda, pca"):
        finder_named("svm")


def test_every_parameter_is_documented_and_its_default_lies_in_bounds() -> None:
    for finder in FINDERS.values():
        assert finder.help
        assert finder.title
        for p in parameters(finder):
            assert p.low <= p.default <= p.high
            assert p.help.endswith(".")
            assert p.kind in (int, float)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"c": -1}, "c must be a number"),
        ({"folds": 2.5}, "whole number"),
        ({"folds": 11}, "2 to 10"),
        ({"k": 1}, "no parameter 'k'"),
        ({"c": True}, "not True"),
        ({"c": float("nan")}, "not nan"),
        ({"c": "1"}, "not '1'"),
    ],
)
def test_users_parameters_are_checked(values: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        with_parameters(Logistic(), values)


def test_users_parameters_are_set() -> None:
    changed = with_parameters(Logistic(), {"c": 1, "folds": 3.0})
    assert changed == Logistic(c=1.0, folds=3)
    assert isinstance(changed.folds, int)
    assert changed.to_json()["parameters"] == {"c": 1.0, "folds": 3}


def test_sessions_that_overlap_leave_the_number_of_threads_as_it_was() -> None:
    before = blas_threads()
    first, second = one_blas_thread(), one_blas_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert set(blas_threads()) == {1}, "the second session is still at work"
    second.__exit__(None, None, None)
    assert blas_threads() == before
    with pytest.raises(KeyError), one_blas_thread():
        raise KeyError
    assert blas_threads() == before


def blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
