"""Finders and controls equal slow re-statements of their papers, or a library that knows nothing of us."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from sklearn.calibration import _SigmoidCalibration
from sklearn.covariance import ledoit_wolf
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model import Ridge as SkRidge
from sklearn.preprocessing import StandardScaler

from core.directions import LDA, DiffMean, Logistic, PairedPCA, Ridge
from core.directions.finder import prepared
from core.directions.pca import pairs
from core.directions.prepared import inner_folds
from core.models import Site
from core.probing import fit_platt
from core.probing.batched import draw, probe_layer
from core.probing.codelength import block_ends, codelength, prefixes
from core.probing.control_task import content_word, control_labels, word_numbers
from tests import reference, reference_probing

SITE = Site(0, "after", "layers.0", "output")


def rows_of(n: int, d: int, seed: int, strength: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Correlated dimensions of unequal scale with a planted shift: X (n, d), y (n,)."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % 2)
    X = rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) * 10.0 ** rng.uniform(-1, 1, d)
    return X + strength * np.outer(y, X.std(axis=0)) + 5, y


@pytest.mark.parametrize(("n", "d"), [(24, 5), (11, 14)])
@pytest.mark.parametrize("seed", range(3))
def test_lda_is_fishers_with_ledoit_and_wolfs_covariance(n: int, d: int, seed: int) -> None:
    X, y = rows_of(n, d, seed)
    np.testing.assert_allclose(LDA().fit(X, y), reference_probing.shrinkage_lda(X.tolist(), y.tolist()), rtol=1e-7)


def test_lda_takes_the_amount_that_scikit_learn_reckons() -> None:
    X, y = rows_of(80, 20, 4)
    Z = StandardScaler().fit_transform(X)
    within = Z - np.where(y[:, None] == 1, Z[y == 1].mean(axis=0), Z[y == 0].mean(axis=0))
    S, share = ledoit_wolf(within, assume_centered=True)
    assert 0.01 < share < 0.9
    own = np.linalg.solve(S, Z[y == 1].mean(axis=0) - Z[y == 0].mean(axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(LDA().fit(X, y), own, rtol=1e-7)
    np.testing.assert_allclose(LDA(shrinkage=share).fit(X, y), own, rtol=1e-7)


@pytest.mark.parametrize(("n", "d"), [(30, 6), (9, 12)])
def test_ridge_solves_its_normal_equations(n: int, d: int) -> None:
    X, y = rows_of(n, d, 1)
    for penalty in (0.01, 1.0):
        expected = reference_probing.ridge(X.tolist(), y.tolist(), penalty)
        np.testing.assert_allclose(Ridge(penalty=penalty).fit(X, y), expected, rtol=1e-6)
    Z = StandardScaler().fit_transform(X)
    library = SkRidge(alpha=0.3 * n).fit(Z, y).coef_ / X.std(axis=0)
    np.testing.assert_allclose(Ridge(penalty=0.3).fit(X, y), library, rtol=1e-6)


@pytest.mark.parametrize(
    "finder",
    [DiffMean(), Ridge(penalty=0.1), LDA(), LDA(shrinkage=0.2), PairedPCA(), Logistic(c=0.1)],
    ids=lambda finder: finder.name,
)
def test_held_out_scores_are_those_of_a_fit_on_the_other_rows(finder) -> None:
    """Whatever short cut a finder takes, each fold's scores equal a plain fit on its rows.

    The folds share the scaling of all rows, so that they are fitted here on rows that have it already.
    """
    X, y = rows_of(60, 9, 2)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    groups = np.arange(60) // 2
    rows, labels = prepared(X, y, groups)
    parts = inner_folds(y, groups, k=4, seed=0)
    (scores,) = finder.held_out(rows, labels, parts)
    for train, test in parts:
        if isinstance(finder, Ridge):
            plain = SkRidge(alpha=finder.penalty * len(train)).fit(X[train], y[train]).coef_
        elif isinstance(finder, Logistic):
            plain = LogisticRegression(C=finder.c, tol=1e-8, max_iter=5000).fit(X[train], y[train]).coef_[0]
        elif isinstance(finder, LDA):
            within = X[train] - np.where(
                labels[train, None], X[train][labels[train]].mean(axis=0), X[train][~labels[train]].mean(axis=0)
            )
            S = within.T @ within / len(train)
            share = finder.shrinkage or ledoit_wolf(within, assume_centered=True)[1]
            S = (1 - share) * S + share * np.trace(S) / 9 * np.eye(9)
            plain = np.linalg.solve(S, DiffMean().fit(X[train], y[train]))
        else:
            plain = finder.fit(X[train], y[train], groups=groups[train])
        expected = (X[test] - X[train].mean(axis=0)) @ plain
        np.testing.assert_allclose(scores[test], expected, rtol=1e-3, atol=2e-3 * np.abs(expected).max())


def test_pca_finds_the_main_axis_of_true_pairs() -> None:
    X, y = rows_of(40, 6, 3)
    groups = np.empty(40, dtype=int)
    groups[y == 1], groups[y == 0] = np.arange(20), np.arange(20)
    own = [(X[(groups == g) & (y == 1)][0], X[(groups == g) & (y == 0)][0]) for g in range(20)]
    expected = reference_probing.paired_pca([(a.tolist(), b.tolist()) for a, b in own])
    vector = PairedPCA().fit(X, y, groups=groups)
    np.testing.assert_allclose(vector / np.linalg.norm(vector), expected, atol=1e-6)
    along = np.array([(a - b) @ np.array(expected) for a, b in own])
    assert np.linalg.norm(vector) == pytest.approx(math.sqrt(np.mean(along**2)))
    wide = PairedPCA().fit(np.hstack([X, X[:, :3], 0 * X]), y, groups=groups)
    assert wide.shape == (15,)


def test_pairs_are_within_groups_and_else_at_random() -> None:
    labels = np.array([1, 0, 1, 1, 1, 0, 0], dtype=bool)
    groups = np.array([5, 5, 7, 8, 9, 10, 11])
    positives, negatives = pairs(labels, groups, seed=0)
    assert (positives[0], negatives[0]) == (0, 1), "a group of both classes pairs its own"
    assert sorted(positives[1:]) == [2, 3, 4]
    assert set(negatives[1:]) == {5, 6}, "the shorter list begins anew"
    others = {tuple(zip(*(side.tolist() for side in pairs(labels, groups, seed)), strict=True)) for seed in range(20)}
    assert len(others) > 3


@pytest.mark.parametrize("seed", range(5))
def test_platts_curve_is_scikit_learns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = np.arange(50) % 2
    scores = 3 * rng.standard_normal(50) + (0, 4, 60)[seed % 3] * y + 7
    own = fit_platt(scores, y)
    theirs = _SigmoidCalibration().fit(scores, y)
    np.testing.assert_allclose(own.probability(scores), theirs.predict(scores), atol=2e-4)
    np.testing.assert_allclose(
        own.bits(scores, y), -np.log2(np.where(y == 1, own.probability(scores), 1 - own.probability(scores)))
    )


def test_platt_of_scores_that_say_nothing_is_the_share() -> None:
    y = np.array([1, 1, 1, 0])
    assert fit_platt(np.zeros(4), y).probability(np.zeros(1)) == pytest.approx(4 / 6, abs=0.01)


@pytest.mark.parametrize("finder", [Logistic(c=0.01), DiffMean()], ids=lambda finder: finder.name)
def test_codelength_is_the_online_code(finder) -> None:
    """Every block is told again, row by row, with a library's regression and curve, or with the means by hand."""
    X, y = rows_of(130, 12, 6, strength=0.5)
    groups = np.arange(130)
    train, test = np.arange(100), np.arange(100, 130)
    order, ends = block_ends(y[train], groups[train], 0)
    own = codelength(
        finder, prefixes(X[train], groups[train], order, ends), X[train], y[train], order, ends, (X[test], y[test])
    )
    told = train[order]

    def direction(rows: np.ndarray) -> np.ndarray:
        if finder.name == "diffmean":
            return np.array(reference.difference_of_means(X[rows].tolist(), y[rows].tolist()))
        return LogisticRegression(C=0.01, tol=1e-10, max_iter=5000).fit(Z[rows], y[rows]).coef_[0]

    def predict(t: int):
        seen = told[:t]
        nonlocal Z
        Z = (X - X[seen].mean(axis=0)) / (X[seen].std(axis=0) if finder.name == "logistic" else 1)
        held_out = np.empty(t)
        for a, b in inner_folds(y[seen], groups[seen], k=5, seed=0):
            held_out[b] = (Z[seen[b]] - Z[seen[a]].mean(axis=0)) @ direction(seen[a])
        curve = _SigmoidCalibration().fit(held_out, y[seen])
        probabilities = curve.predict(Z @ direction(seen))
        return lambda row: probabilities[told[row]]

    Z = X
    bits = reference_probing.online_codelength(y[told].tolist(), ends, predict)
    assert own.bits == pytest.approx(bits, rel=2e-3)
    assert own.uniform_bits == 100
    prior = reference_probing.prior_codelength(y[told].tolist(), ends)
    assert own.prior_bits == pytest.approx(prior)
    assert own.compression == pytest.approx(min(100, prior) / bits, rel=2e-3)
    assert [block.seen for block in own.blocks] == [0, *ends[:-1]]
    assert sum(block.coded for block in own.blocks) == 100


def test_code_of_nothing_is_no_shorter_than_the_uniform_one_and_of_something_is() -> None:
    lengths = {}
    for strength in (0.0, 3.0):
        X, y = rows_of(400, 10, 7, strength=strength)
        draws = draw(y, np.arange(400), np.arange(300), np.arange(300, 400), seed=0, code=True)
        (found,) = probe_layer(SITE, [Logistic()], X, draws)
        lengths[strength] = found.codelength.compression
        assert found.codelength.blocks[-1].auroc == pytest.approx(found.auroc, abs=0.1)
    assert lengths[0.0] < 1.05
    assert lengths[3.0] > 1.5


@pytest.mark.parametrize("share", [0.03, 0.1, 0.5, 0.9])
def test_code_of_nothing_is_no_shorter_however_uneven_the_classes(share: float) -> None:
    found = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        y = (rng.permutation(500) < share * 500).astype(int)
        draws = draw(y, np.arange(500), np.arange(400), np.arange(400, 500), seed=seed, code=True)
        found += probe_layer(SITE, [Logistic(), DiffMean()], rng.standard_normal((500, 40)), draws)
    compressions = [one.codelength.compression for one in found]
    assert max(compressions) < 1.05
    assert np.mean(compressions) == pytest.approx(0.97, abs=0.06), "nor much longer: 1 is the level of nothing"
    for one in found:
        assert one.codelength.prior_bits == pytest.approx(sum(block.prior_bits for block in one.codelength.blocks))
    if share < 0.2:
        assert found[0].codelength.uniform_bits / found[0].codelength.bits > 1.4, "a bit a label is no measure here"


def test_blocks_keep_groups_whole_and_double() -> None:
    groups = np.random.default_rng(0).integers(0, 60, 300)
    y = groups % 2
    order, ends = block_ends(y, groups, 1)
    assert sorted(order) == list(range(300))
    assert ends[-1] == 300
    for end in ends[:-1]:
        assert not set(groups[order[:end]]) & set(groups[order[end:]])
        assert {0, 1} <= set(y[order[:end]])
    assert all(later > 1.5 * earlier for earlier, later in itertools.pairwise(ends))
    assert block_ends(np.array([0] * 9 + [1] * 9), np.repeat([0, 1], 9), 0)[1] == [18], "no probe can begin before"


def test_content_words() -> None:
    assert content_word("The quick fox") == "quick"
    assert content_word("“It's the Film's end.”") == "film"
    assert content_word("of the") == "of"
    assert content_word("123 — Über 5") == "über"
    assert content_word(" 12  + 3 ") == "12 + 3"
    assert word_numbers(["a film", "the film", "a room"]).tolist() == [0, 0, 1]


def test_control_labels_are_the_words_own_in_both_parts() -> None:
    words = np.random.default_rng(0).integers(0, 40, 500)
    y, train = (np.arange(500) % 4 == 0).astype(int), np.arange(350)
    labels = control_labels(words, y, train, seed=3, runs=200)
    for one in labels[:5]:
        assert all(len(set(one[words == word])) == 1 for word in range(40))
    assert labels.mean() == pytest.approx(0.25, abs=0.03), "drawn with the share of positives"
    assert control_labels(np.zeros(500, dtype=int), y, train, seed=0).shape == (0, 500), "one word, one label"


def test_selectivity_is_accuracy_beyond_the_control_task() -> None:
    X, y = rows_of(240, 30, 8, strength=0.7)
    words = np.random.default_rng(1).integers(0, 50, 240)
    train, test = np.arange(160), np.arange(160, 240)
    draws = draw(y, np.arange(240), train, test, seed=0, words=words)
    (found,) = probe_layer(SITE, [Ridge(penalty=0.5)], X, draws)

    def said(labels: np.ndarray) -> list[tuple[int, int]]:
        vector = Ridge(penalty=0.5).fit(X[train], labels[train])
        own = X[train] @ vector
        best = reference.best_accuracy(labels[train].tolist(), own.tolist())
        cuts = [cut for cut in np.sort(own) if np.mean((own > cut) == labels[train]) == best]
        middle = np.median(cuts)
        return [(int(label), int(score > middle)) for label, score in zip(labels[test], X[test] @ vector, strict=True)]

    control = [said(line.astype(int)) for line in control_labels(words, y, train, seed=0)]
    expected = reference_probing.selectivity(said(y), control)
    task = found.control_task
    assert task.selectivity == pytest.approx(expected, abs=0.02), "cuts that are equally good differ a little"
    assert task.selectivity == pytest.approx(task.accuracy - task.control_accuracy)
    assert (task.runs, task.words) == (5, len(np.unique(words)))
    assert task.known == pytest.approx(np.mean(np.isin(words[test], words[train])))


def test_a_probe_that_can_memorise_words_is_less_selective() -> None:
    """Words that the activations hold outright: their random labels are learnt like any other."""
    rng = np.random.default_rng(2)
    words = rng.integers(0, 20, 400)
    y = np.arange(400) % 2
    X = 5 * np.eye(20)[words] + 0.5 * rng.standard_normal((400, 20))
    X = np.hstack([X, 4 * y[:, None] + rng.standard_normal((400, 1))])
    draws = draw(y, np.arange(400), np.arange(280), np.arange(280, 400), seed=0, words=words)
    (found,) = probe_layer(SITE, [Logistic()], X, draws)
    assert found.accuracy > 0.9
    assert found.control_task.control_accuracy > 0.85
    assert found.control_task.selectivity < 0.12
