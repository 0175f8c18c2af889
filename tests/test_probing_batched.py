"""The batched engine is one truth with the finders, and many columns with one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from core.directions import FINDERS, Prepared
from core.directions.logistic_fit import fit_weights
from core.directions.scatter import Scatter
from core.errors import UserError
from core.examples import split
from core.models import Site
from core.probing import METHODS, from_plain, probe_layer, to_plain
from core.probing.batched import draw
from core.probing.reading import reading_of
from core.probing.result import result_from_json
from core.stats import auroc, aurocs

SITE = Site(3, "after", "layers.3", "output")


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """X (180, 30), y, groups of one to three rows, words."""
    rng = np.random.default_rng(0)
    groups = np.sort(rng.integers(0, 90, 180))
    y = np.asarray(rng.permutation(90) % 2)[groups]
    X = rng.standard_normal((180, 30)) * 10.0 ** rng.uniform(-1, 1, 30)
    X[:, 3] += 2 * y * X[:, 3].std()
    return X.astype(np.float32), y, groups, rng.integers(0, 40, 180)


def test_every_number_is_that_of_the_finders_own_fit(rows) -> None:
    X, y, groups, words = rows
    train, test = split(y, groups, seed=5)
    results = probe_layer(SITE, list(METHODS.values()), X, draw(y, groups, train, test, seed=5, words=words))
    assert [result.method for result in results] == list(METHODS)
    for result, finder in zip(results, METHODS.values(), strict=True):
        settled = finder.settle(X[train], y[train], groups=groups[train], seed=5)
        vector = finder.fit(X[train], y[train], groups=groups[train], seed=5)
        assert result.auroc == auroc(y[test], X[test] @ vector)
        assert result.cv_auroc == settled.cv_auroc
        assert result.settings == settled.finder.to_json()["parameters"]
        reading = reading_of(finder, X, y, groups, np.arange(180), train, test, seed=5)
        np.testing.assert_allclose(reading.vector, vector, rtol=1e-9)
        assert auroc(y[test], reading.scores[test]) == result.auroc
        assert np.mean((reading.scores[test] > reading.threshold) == y[test]) == result.accuracy


def test_one_method_alone_has_the_numbers_that_it_has_among_others(rows) -> None:
    X, y, groups, words = rows
    draws = draw(y, groups, *split(y, groups), seed=0, words=words, code=True)
    together = probe_layer(SITE, list(METHODS.values()), X, draws)
    for result, finder in zip(together, METHODS.values(), strict=True):
        assert probe_layer(SITE, [finder], X, draws) == [result]


def test_a_result_survives_json(rows) -> None:
    X, y, groups, words = rows
    draws = draw(y, groups, *split(y, groups), seed=0, words=words, code=True)
    for result in probe_layer(SITE, list(METHODS.values()), X, draws):
        kept = replace(result, seed_aurocs=(0.5, 0.75))
        assert result_from_json(kept.to_json()) == kept
        value = kept.to_json()
        assert value["control_auroc"] == kept.shuffled.auroc
        assert value["codelength"] == kept.codelength.bits
        assert value["selectivity"] == kept.control_task.selectivity
        assert from_plain(type(kept.codelength), to_plain(kept.codelength)) == kept.codelength
        before = {name: own for name, own in value.items() if name != "codelength_prior"}  # of an earlier version
        assert result_from_json(before) == replace(kept, codelength=None)


def test_many_fits_equal_one_after_the_other(rows) -> None:
    X, y, groups, _ = rows
    prepared = Prepared(X.astype(float), groups)
    rng = np.random.default_rng(1)
    labels = np.stack([y == 1, *(rng.permutation(y) == 1 for _ in range(6))])
    for finder in FINDERS.values():
        settled = finder.grid()[-1]
        together = settled.fit_many(prepared, labels, seed=2)
        for line, one in zip(together, labels, strict=True):
            alone = settled.fit(X, one.astype(int), groups=groups, seed=2)
            np.testing.assert_allclose(line, alone, rtol=2e-3, atol=1e-3 * np.abs(alone).max())


def test_batched_logistic_reaches_each_optimum() -> None:
    """Masks, penalties and labels of many kinds in one batch: each line is scikit-learn's fit of its own rows."""
    rng = np.random.default_rng(3)
    Z = rng.standard_normal((90, 12)) @ rng.standard_normal((12, 12))
    Z -= Z.mean(axis=0)
    values, vectors = np.linalg.eigh(Z.T @ Z)
    F = Z @ vectors
    labels = rng.random((20, 90)) < 0.4
    labels[:5] = (Z[:, 0] > 0)[None]  # separable: the optimum is far away
    used = rng.random((20, 90)) < 0.7
    c = 10.0 ** rng.uniform(-4, 0.5, 20)
    weights = fit_weights(F, values / 90, labels, used, c, tolerance=1e-7)
    for w, y, mask, strength in zip(weights, labels, used, c, strict=True):
        plain = LogisticRegression(C=strength, tol=1e-10, max_iter=20_000).fit(F[mask], y[mask]).coef_[0]
        np.testing.assert_allclose(w, plain, rtol=1e-3, atol=1e-4 * np.abs(plain).max())


@pytest.mark.parametrize(("n", "d"), [(40, 8), (12, 20)])
def test_scatter_of_rows_left_out_is_never_made_but_right(n: int, d: int) -> None:
    rng = np.random.default_rng(n)
    prepared = Prepared(rng.standard_normal((n, d)) @ rng.standard_normal((d, d)), np.arange(n))
    F = prepared.basis.features
    for left_out in (np.array([], dtype=int), np.array([1]), np.arange(3, 9)):
        kept = np.setdiff1d(np.arange(n), left_out)
        S = (F[kept] - F[kept].mean(axis=0)).T @ (F[kept] - F[kept].mean(axis=0))
        scatter = Scatter(prepared.basis, left_out)
        v = rng.standard_normal((2, F.shape[1]))
        np.testing.assert_allclose(scatter.mean, F[kept].mean(axis=0), atol=1e-9)
        np.testing.assert_allclose(scatter.times(v), v @ S, atol=1e-8)
        np.testing.assert_allclose(scatter.solve(v, 0.7), v @ np.linalg.inv(S + 0.7 * np.eye(len(S))), rtol=1e-6)
        assert scatter.trace == pytest.approx(np.trace(S))
        assert scatter.squared == pytest.approx(np.sum(S * S))


def test_columns_of_aurocs_are_each_the_exact_one() -> None:
    rng = np.random.default_rng(4)
    scores = np.round(rng.standard_normal((30, 41)), 1)  # with ties
    labels = rng.random((30, 41)) < 0.3
    labels[:, 0], labels[:, 1] = True, False
    assert aurocs(labels, scores).tolist() == [auroc(y, s) for y, s in zip(labels, scores, strict=True)]
    assert aurocs(labels[0], scores).tolist() == [auroc(labels[0], s) for s in scores]
    infinite = scores.copy()
    infinite[:, 3] = np.inf
    assert aurocs(labels[0], infinite).tolist() == [auroc(labels[0], s) for s in infinite]
    with pytest.raises(UserError, match="one class"):
        aurocs(np.ones(41), scores)
    infinite[2, 5] = np.nan
    with pytest.raises(UserError, match="not a number"):
        aurocs(labels[0], infinite)


def test_a_wide_model_and_few_rows_are_probed(rows) -> None:
    rng = np.random.default_rng(5)
    y, groups = np.arange(24) % 2, np.arange(24)
    X = rng.standard_normal((24, 400))
    X[:, 7] = 3.0  # does not vary
    X[:, 0] += 6 * y
    results = probe_layer(SITE, list(METHODS.values()), X, draw(y, groups, *split(y, groups), seed=0, code=True))
    assert all(0 <= result.auroc <= 1 for result in results)
    same = np.ones((24, 5))
    flat = probe_layer(SITE, list(METHODS.values()), same, draw(y, groups, *split(y, groups), seed=0))
    assert [result.auroc for result in flat] == [0.5] * 5, "activations that are all the same say nothing"
