"""The check of the test: random sets at the level, planted sets across all gradients, real ones found."""

from __future__ import annotations

import numpy as np
import pytest

from core.cli.tcav_calibrate import show
from core.tcav.analysis import Question, Settings
from core.tcav.calibration import calibrate, drawn
from core.tcav.cavs import unit
from core.tcav.concept import Concept, make_concept
from core.tcav.covariance import inverse_covariance
from core.tcav.planting import STRENGTH, gradient_span, orthogonal_shift, planted
from tests.test_tcav_verdict import AXIS, D, concept_of, linear_push


@pytest.fixture(scope="module")
def question() -> Question:
    rng = np.random.default_rng(0)
    gradients = 0.3 * rng.standard_normal((12, D)) + AXIS[0]
    metric = inverse_covariance(rng.standard_normal((500, D)))
    return Question((7,), ("block 7",), (metric,), {"up": [gradients]}, np.arange(12))


@pytest.fixture(scope="module")
def pool() -> Concept:
    rng = np.random.default_rng(1)
    X = rng.standard_normal((400, D)) * np.linspace(1, 3, D)
    return make_concept("pool", [X], np.zeros(400), np.arange(400) // 2, [1e9], one_class=True)


def test_calibration_tells_the_level_the_power_and_what_is_planted(question: Question, pool: Concept) -> None:
    rng = np.random.default_rng(2)
    concept = concept_of(rng, 1.5 * AXIS[0], "real", 100)
    others = [concept_of(rng, 2.5 * unit(rng.standard_normal(D)), f"other {n}", 30) for n in range(41)]
    settings = Settings(permutations=99)
    found = calibrate(
        pool, question, settings, concept=concept, controls=others, pushing=linear_push(3), runs=100, size=25
    )
    assert found.false_positive_rate <= 0.12  # .995 quantile of a binomial of 100 at .05
    assert set(found.by_kind) == {"diffmean", "lda"}
    assert found.supported_orthogonal is not None
    assert found.supported_orthogonal <= 0.05
    assert found.planted_auroc is not None
    assert found.planted_auroc > 0.75
    assert found.power is not None
    assert found.power > 0.9
    assert (found.runs, found.size) == (100, 25)
    none = calibrate(pool, question, settings, runs=3, size=10)
    assert none.power is None
    again = calibrate(pool, question, settings, runs=3, size=10)
    assert none == again


def test_without_the_second_and_third_question_planted_sets_along_the_gradient_are_supported(
    question: Question, pool: Concept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That the check can fail: plant along the gradients instead of across them."""
    rng = np.random.default_rng(3)
    others = [concept_of(rng, 2.5 * unit(rng.standard_normal(D)), f"other {n}", 30) for n in range(41)]
    monkeypatch.setattr("core.tcav.calibration.orthogonal_shift", lambda *_: 6 * AXIS[0])
    found = calibrate(
        pool, question, Settings(permutations=99), controls=others, pushing=linear_push(3), runs=8, size=25
    )
    assert found.supported_orthogonal is not None
    assert found.supported_orthogonal > 0.8


def test_drawn_sets_are_of_different_groups_and_disjoint(pool: Concept) -> None:
    rng = np.random.default_rng(4)
    one = drawn(rng, pool, 30)
    assert (one.n_positives, one.n_negatives) == (30, 30)
    rows = [int(np.flatnonzero((pool.X[0] == row).all(axis=1))[0]) for row in one.X[0]]
    assert len({pool.groups[row] for row in rows}) == 60
    concept = concept_of(rng, 5 * AXIS[0], "real", 40)
    real = drawn(rng, pool, 30, concept)
    assert all((concept.X[0][:40] == row).all(axis=1).any() for row in real.X[0][:30])
    assert all((pool.X[0] == row).all(axis=1).any() for row in real.X[0][30:])


@pytest.mark.parametrize("m", [12, 200])
def test_a_shift_is_across_the_gradients(pool: Concept, m: int) -> None:
    rng = np.random.default_rng(5)
    gradients = rng.standard_normal((m, D)) + AXIS[0]
    span = gradient_span(gradients)
    assert span @ span.T == pytest.approx(np.eye(len(span)), abs=1e-9)
    assert len(span) == min(m, D // 2)
    shift = orthogonal_shift(rng, pool.X[0], span)
    assert abs(unit(gradients).mean(axis=0) @ shift) < 1e-9 * np.linalg.norm(shift)
    if m == 12:
        assert np.abs(gradients @ shift).max() < 1e-9 * np.linalg.norm(shift)
    along = (pool.X[0] - pool.X[0].mean(axis=0)) @ unit(shift)
    assert np.linalg.norm(shift) == pytest.approx(STRENGTH * along.std())
    plain = drawn(rng, pool, 10)
    moved = planted(plain, (shift,))
    assert moved.X[0][:10] == pytest.approx(plain.X[0][:10] + shift)
    assert np.array_equal(moved.X[0][10:], plain.X[0][10:])


def test_where_nothing_could_be_supported_nothing_is_said_of_it(question: Question, pool: Concept) -> None:
    rng = np.random.default_rng(6)
    others = [concept_of(rng, 2.5 * unit(rng.standard_normal(D)), f"other {n}", 10) for n in range(40)]
    settings, push = Settings(permutations=19), linear_push(3)
    for controls, pushing in (([], push), (others[:39], push), (others, None)):
        found = calibrate(pool, question, settings, controls=controls, pushing=pushing, runs=1, size=10)  # type: ignore[arg-type]
        assert found.supported_orthogonal is None
        assert "supported not tested, p up to" in show(found.to_json())
    found = calibrate(pool, question, settings, controls=others, pushing=push, runs=1, size=10)  # type: ignore[arg-type]
    assert found.supported_orthogonal is not None
    assert "supported in " in show(found.to_json())
