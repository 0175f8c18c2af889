"""From arrays to verdicts: each question is asked, and each answer has its words."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from core.errors import UserError
from core.stats.multiplicity import benjamini_hochberg, holm_of_families
from core.tcav.acting import DOSES, PushEffect, push_effects, random_directions
from core.tcav.analysis import Question, Settings, adjust, analyse
from core.tcav.cavs import kind_named, unit
from core.tcav.concept import Concept, make_concept
from core.tcav.covariance import identity, inverse_covariance
from core.tcav.result import NULL_EDGES
from core.tcav.specificity import readable_controls, specificity
from core.tcav.telling import share_below
from core.tcav.verdict import (
    MEANINGS,
    NO_CONTROLS,
    NOT_ACTING,
    NOT_DETECTED,
    NOT_PUSHED,
    NOT_READABLE,
    NOT_SPECIFIC,
    SUPPORTED,
    verdict,
)

D = 40
AXIS = np.eye(D)


def concept_of(rng: np.random.Generator, shift: np.ndarray, name: str, n: int = 40) -> Concept:
    y = np.repeat([1, 0], n)
    X = rng.standard_normal((2 * n, D))
    X[:n] += shift
    return make_concept(name, [X], y, np.arange(2 * n), [1e9])


@pytest.fixture(scope="module")
def question() -> Question:
    """The target rises along the first axis."""
    rng = np.random.default_rng(0)
    gradients = 0.3 * rng.standard_normal((30, D)) + AXIS[0]
    metric = inverse_covariance(rng.standard_normal((2000, D)))
    return Question((7,), ("block 7",), (metric,), {"up": [gradients]}, np.arange(30))


@pytest.fixture(scope="module")
def others() -> list[Concept]:
    rng = np.random.default_rng(1)
    return [concept_of(rng, 2.5 * unit(rng.standard_normal(D)), f"other {n}", 30) for n in range(45)]


def linear_push(gain: float) -> object:
    """A model whose answer follows the first axis: what pushing does is known."""

    def push(directions: np.ndarray, doses: Sequence[float]) -> np.ndarray:
        return gain * np.asarray(doses)[None, :, None] * directions[:, :1, None] * np.ones((1, 1, 8))

    def pushing(_site: int, _target: str, cavs: np.ndarray) -> list[PushEffect]:
        return push_effects(cavs, push, push(random_directions(D), DOSES))

    return pushing


def test_every_verdict_can_be_reached(question: Question, others: list[Concept]) -> None:
    rng = np.random.default_rng(2)
    concepts = [
        concept_of(rng, 2.5 * AXIS[0], "the axis"),
        concept_of(rng, 2.5 * AXIS[1], "across"),
        concept_of(rng, 0 * AXIS[0], "nothing"),
    ]
    said = {
        cell.concept: cell for cell in analyse(concepts, question, Settings(), controls=others, pushing=linear_push(3))
    }  # type: ignore[arg-type]
    assert {name: cell.verdict for name, cell in said.items()} == {
        "the axis": SUPPORTED,
        "across": NOT_DETECTED,
        "nothing": NOT_READABLE,
    }
    best = said["the axis"].to_json()
    assert best["p"] == 0.001
    assert best["p_adjusted"] == pytest.approx(0.003)
    assert best["score"] == 1.0
    assert best["specificity"] == 1.0
    assert best["push_rank"] == 1
    assert best["push_effect"] == pytest.approx(3 * 0.1 * 0.84, rel=0.05)
    assert best["push"]["changes"]["-0.5"] == pytest.approx(-5 * best["push_effect"], rel=1e-6)
    assert sum(best["null"]) == 999
    assert len(best["null"]) == len(NULL_EDGES) - 1
    assert set(best["kinds"]) == {"diffmean", "lda"}
    assert best["cosines"]["diffmean lda"] > 0.9

    def again(controls: Sequence[Concept], pushing: object) -> str:
        return analyse(concepts[:1], question, Settings(), controls=controls, pushing=pushing)[0].verdict  # type: ignore[arg-type]

    assert again([], linear_push(3)) == NO_CONTROLS
    assert again(others[:39], linear_push(3)) == NO_CONTROLS
    assert again(others, None) == NOT_PUSHED
    assert again(others, linear_push(-3)) == NOT_ACTING, "moved the other way"
    assert again(others, linear_push(0)) == NOT_ACTING
    along = [concept_of(rng, 2.5 * unit(AXIS[0] + 0.1 * AXIS[n + 2]), f"like it {n}", 30) for n in range(8)]
    assert again(along + others[:37], linear_push(3)) == NOT_SPECIFIC


def test_words_for_every_combination() -> None:
    assert verdict(0.2, 0.001, True, True) == NOT_READABLE
    assert verdict(0.05, 0.05, True, True) == SUPPORTED
    assert verdict(0.01, 0.06, True, True) == NOT_DETECTED
    assert verdict(0.01, 0.01, False, True) == NOT_SPECIFIC
    assert verdict(0.01, 0.01, None, True) == NO_CONTROLS
    assert verdict(0.01, 0.01, True, False) == NOT_ACTING
    assert verdict(0.01, 0.01, True, None) == NOT_PUSHED
    assert len(MEANINGS) == 7


def test_a_push_must_beat_every_random_direction_at_both_doses() -> None:
    random = np.zeros((20, 4, 3))
    random[4] = np.array([-0.3, -0.02, 0.02, 0.3])[:, None]

    def push(_: np.ndarray, doses: Sequence[float]) -> np.ndarray:
        assert tuple(doses) == DOSES
        return np.array([[-0.5, -0.1, 0.1, 0.5], [-0.2, -0.1, 0.1, 0.2], [-0.5, -0.01, 0.01, 0.5]])[:, :, None].repeat(
            3, 2
        )

    found = push_effects(np.eye(D)[:3], push, random)
    assert [one.rank for one in found] == [1, 2, 2]
    assert [one.effect for one in found] == pytest.approx([0.1, 0.1, 0.01])
    assert [one.large for one in found] == pytest.approx([0.5, 0.2, 0.5])
    assert [one.acts(1.0) for one in found] == [True, False, False]
    assert not found[0].acts(-1.0)
    directions = random_directions(D, seed=1)
    assert directions.shape == (20, D)
    assert np.linalg.norm(directions, axis=1) == pytest.approx(1.0)
    assert np.array_equal(directions, random_directions(D, seed=1))


def test_specificity_is_a_share_of_controls_about_as_readable() -> None:
    rng = np.random.default_rng(3)
    kind, metric, gradient = kind_named("diffmean"), identity(D), AXIS[:1]
    readable = [concept_of(rng, 3 * unit(AXIS[1] + k / 25 * AXIS[0]), f"r{k}", 30) for k in range(50)]
    poor = [concept_of(rng, 0.1 * AXIS[0], f"p{k}", 30) for k in range(20)]
    controls = readable_controls(readable + poor, 0, kind, metric)
    assert controls.aurocs[:50].min() > controls.aurocs[50:].max()
    mine = concept_of(rng, 3 * unit(AXIS[1] + AXIS[0]), "mine", 30)  # as far along as r25
    (found,) = specificity(mine, 0, kind, metric, 0.98, gradient, controls)
    assert found is not None
    assert 45 <= found.controls <= 50
    assert 0.35 < found.share < 0.65
    assert not found.beyond
    itself = readable_controls([*readable[:40], mine], 0, kind, metric)
    (without,) = specificity(mine, 0, kind, metric, 0.98, gradient, itself)
    assert without is not None
    assert without.controls == 40, "a concept is no control of itself"
    assert specificity(mine, 0, kind, metric, 0.98, gradient, readable_controls(poor, 0, kind, metric)) == [None]


def test_more_rows_do_not_make_a_concept_more_specific() -> None:
    """With the same shift a concept of 400 rows has the larger mean cosine; so it is drawn down to the controls."""
    rng = np.random.default_rng(4)
    kind, metric, shift = kind_named("diffmean"), identity(D), 1.0 * unit(AXIS[0] + AXIS[1])
    controls = readable_controls([concept_of(rng, shift, f"c{k}", 15) for k in range(60)], 0, kind, metric)
    large = [concept_of(rng, shift, f"large {k}", 400) for k in range(8)]
    shares = [specificity(one, 0, kind, metric, 0.6, AXIS[:1], controls)[0] for one in large]
    assert 0.3 < np.mean([one.share for one in shares if one]) < 0.75


def test_p_values_are_adjusted_over_concepts() -> None:
    p = [np.array([[0.001, 0.2]]), np.array([[0.01, 0.01]])]
    holm = adjust(p, "holm")
    assert [one.shape for one in holm] == [(1, 2), (1, 2)]
    assert [one.ravel() for one in holm] == [pytest.approx(one) for one in holm_of_families([one.ravel() for one in p])]
    assert adjust(p, "bh")[0].ravel() == pytest.approx([0.004, 0.2])


def test_settings_that_make_no_sense_get_a_sentence() -> None:
    assert Settings().permutations_for(1) == 999
    assert Settings().permutations_for(20) == 3999
    assert Settings(correction="bh").permutations_for(20) == 999
    for bad, sentence in (
        ({"kinds": ("magic",)}, "magic"),
        ({"cav": "svm"}, "not among"),
        ({"correction": "none"}, "correction"),
        ({"permutations": 10}, "19 or more"),
    ):
        with pytest.raises(UserError, match=sentence):
            Settings(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [10, 25])
def test_a_small_concept_of_noise_stands_out_as_often_as_a_control_of_its_size(n: int) -> None:
    """Against the means of the controls' draws, which spread less than one CAV, every fourth of them did."""
    rng = np.random.default_rng([n, 1])
    kind, metric, nothing = kind_named("diffmean"), identity(D), np.zeros(D)
    controls = readable_controls([concept_of(rng, nothing, f"c{k}", 60) for k in range(60)], 0, kind, metric)
    found = [
        specificity(concept_of(rng, nothing, "noise", n), 0, kind, metric, 0.5, AXIS[:1], controls, seed=run)[0]
        for run in range(150)
    ]
    assert sum(one.beyond for one in found if one) <= 16  # the .998 quantile of a binomial of 150 at .05
    assert np.mean([one.share for one in found if one]) == pytest.approx(0.5, abs=0.08)


def test_both_doses_must_go_the_way_of_the_gradient() -> None:
    effects = {(small, large): PushEffect(small, large, {}, 1, 8) for small in (0.1, -0.1) for large in (0.5, -0.5)}
    assert [one for one, effect in effects.items() if effect.acts(2.0)] == [(0.1, 0.5)]
    assert [one for one, effect in effects.items() if effect.acts(-2.0)] == [(-0.1, -0.5)]


def test_under_bh_each_cell_counts_with_its_own_p(question: Question) -> None:
    rng = np.random.default_rng(6)
    concepts = [concept_of(rng, shift * AXIS[0], f"c{shift}") for shift in (0.0, 0.3, 0.6)]
    gradient = question.gradients["up"][0]
    two = dataclasses.replace(question, gradients={"up": [gradient], "other": [np.roll(gradient, 3, axis=1)]})
    cells = analyse(concepts, two, Settings(correction="bh"))
    assert [cell.p_adjusted for cell in cells] == pytest.approx(benjamini_hochberg([cell.p for cell in cells]))
    # One finding among all bundled sets, or among many cells, can come below the level.
    for concepts_, cells_ in ((113, 1), (20, 10)):
        many = Settings(correction="bh").permutations_for(concepts_, cells_)
        assert benjamini_hochberg([1 / (1 + many)] + [1.0] * (concepts_ * cells_ - 1))[0] <= 0.05


def test_what_is_short_of_all_controls_is_never_told_as_all() -> None:
    assert [share_below(share) for share in (0.0, 0.57, 0.95, 0.995, 0.9999, 1.0)] == [
        *("0%", "57%", "95%", "99%", "99%", "100%")
    ]
