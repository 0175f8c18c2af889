"""The test of a concept: it holds its level, counts what it says, and finds what is there."""

from __future__ import annotations

import numpy as np
import pytest

from core.stats.permutation import permuted_labels
from core.tcav.cavs import KINDS, derivatives_under, kind_named, raw_cavs, unit
from core.tcav.concept import Concept, make_concept
from core.tcav.covariance import identity, inverse_covariance
from core.tcav.significance import mean_unit_gradient, permutation_test, significance_of
from tests import reference_tcav as reference

D = 24


def concept_of(rng: np.random.Generator, shift: np.ndarray, n: int = 20, name: str = "it", group: int = 1) -> Concept:
    y = np.repeat([1, 0], n)
    X = np.repeat(rng.standard_normal((2 * n // group, D)), group, axis=0) + 0.1 * rng.standard_normal((2 * n, D))
    return make_concept(name, [X + y[:, None] * shift, X[:, ::-1]], y, np.arange(2 * n) // group, [1e9, 1e9])


@pytest.mark.parametrize("group", [1, 4])
def test_p_is_that_of_the_slow_restatement(group: int) -> None:
    rng = np.random.default_rng(0)
    concept = concept_of(rng, 0.3 * np.eye(D)[0], group=group)
    rows = rng.standard_normal((60, D)) * np.linspace(1, 5, D)
    metrics, kinds = [inverse_covariance(rows, 0.5)] * 2, [kind_named("diffmean"), kind_named("lda")]
    gradients = [[rng.standard_normal((7, D)) + 1 for _ in range(2)] for _ in range(2)]  # [site][target]
    means = [np.stack([mean_unit_gradient(G) for G in of_site]) for of_site in gradients]
    found = permutation_test(concept, means, kinds, metrics, permutations=60, seed=3)
    labels = [concept.y.astype(bool), *permuted_labels(concept.y, concept.groups, 60, seed=3)]
    whitening = {"diffmean": np.eye(D), "lda": reference.shrunken_inverse(rows, 0.5)}
    values = np.zeros((61, 2, 2, 2))
    for turn, line in enumerate(labels):
        for site in range(2):
            cav = reference.mean_difference(concept.X[site], line)
            for target in range(2):
                for place, kind in enumerate(kinds):
                    G = gradients[site][target]
                    values[turn, site, target, place] = reference.statistic(G, whitening[kind.name] @ cav)
    for site in range(2):
        for target in range(2):
            assert found.p[site, target] == pytest.approx(reference.permutation_p(values[:, site, target]))
            assert found.z[site, target] == pytest.approx(
                (values[0] - values[1:].mean(0))[site, target] / values[1:].std(0)[site, target]
            )
    # Of the cell with the largest |z| the adjusted p is that of the largest |z| of all.
    assert found.p_largest.min() == pytest.approx(reference.permutation_p(values.reshape(61, -1)))
    assert (found.p_largest >= found.p - 1e-12).all()


@pytest.mark.parametrize("kinds", [("diffmean", "lda"), ("logistic",)])
def test_random_sets_are_rejected_at_the_level(kinds: tuple[str, ...]) -> None:
    rng = np.random.default_rng(5)
    metric = inverse_covariance(rng.standard_normal((300, D)) * np.linspace(1, 5, D))
    runs, rejected, any_cell = (400, 0, 0) if "logistic" not in kinds else (120, 0, 0)
    for run in range(runs):
        concept = concept_of(rng, np.zeros(D), n=15, group=1 + run % 3 // 2)
        gradients = [mean_unit_gradient(rng.standard_normal((9, D)) + 0.5)[None] for _ in range(2)]
        chosen = [kind_named(kind) for kind in kinds]
        found = permutation_test(concept, gradients, chosen, [metric] * 2, permutations=39, seed=run)
        rejected += found.p[0, 0] <= 0.05
        any_cell += found.p_largest.min() <= 0.05
    low, high = (10, 32) if runs == 400 else (1, 14)  # 99% of the binomial at .05
    assert low <= rejected <= high
    assert low <= any_cell <= high


def test_a_target_that_does_not_feel_the_site_is_never_found() -> None:
    values = np.random.default_rng(0).standard_normal((100, 1, 2, 1))
    values[:, 0, 1] = 0.0
    found = significance_of(values)
    assert found.z[0, 1, 0] == 0.0
    assert found.p[0, 1] == 1.0


def test_a_shift_along_the_gradient_is_found_and_one_across_is_not() -> None:
    rng = np.random.default_rng(2)
    gradient = [np.eye(D)[:1]] * 2
    kinds, metrics = [kind_named("diffmean")], [identity(D)] * 2
    along = permutation_test(concept_of(rng, 3 * np.eye(D)[0]), gradient, kinds, metrics)
    against = permutation_test(concept_of(rng, -3 * np.eye(D)[0]), gradient, kinds, metrics)
    across = permutation_test(concept_of(rng, 9 * np.eye(D)[1]), gradient, kinds, metrics)
    assert along.p[0, 0] == against.p[0, 0] == pytest.approx(0.001)
    assert along.z[0, 0, 0] > 4 > -4 > against.z[0, 0, 0]
    assert across.p[0, 0] > 0.05


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_points_to_the_positives_and_the_shortcut_is_the_product(name: str) -> None:
    rng = np.random.default_rng(3)
    concept = concept_of(rng, 2 * np.eye(D)[2], n=30)
    metric, kind = inverse_covariance(rng.standard_normal((100, D))), kind_named(name)
    labels = np.stack([concept.y == 1, concept.y == 0])
    cavs, gradients = raw_cavs(kind, concept.X[0], labels, metric), rng.standard_normal((3, D))
    assert unit(cavs)[0, 2] > 0.5
    assert unit(cavs)[1, 2] < -0.5
    assert derivatives_under(kind, concept.X[0], labels, metric, gradients) == pytest.approx(cavs @ gradients.T)


@pytest.mark.parametrize("n", [200, 10])
def test_the_metric_is_the_plain_inverse_up_to_scale(n: int) -> None:
    """Also with fewer rows than dimensions, where the eigenvectors come from inner products."""
    rows = np.random.default_rng(4).standard_normal((n, D)) * np.linspace(1, 3, D) + 7
    v = np.eye(D)
    ours, plain = inverse_covariance(rows, 0.3).times(v), reference.shrunken_inverse(rows, 0.3)
    assert ours / np.linalg.norm(ours) == pytest.approx(plain / np.linalg.norm(plain), abs=1e-9)
    assert np.array_equal(identity(D).times(v), v)
    still = inverse_covariance(np.ones((5, D)))
    assert np.array_equal(still.times(v), v)
