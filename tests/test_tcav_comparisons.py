"""Concept against concept, concept without another, inputs by subgroup, and several pools of negatives."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from core.errors import UserError
from core.examples import from_lists
from core.tcav.analysis import Question, Settings, analyse, examine
from core.tcav.cavs import kind_named, unit
from core.tcav.covariance import identity
from core.tcav.entanglement import cav_of, entanglement, without
from core.tcav.negatives import against_pools
from core.tcav.scores import scores
from core.tcav.sources import pool_of, rival_of, source_of
from core.tcav.subgroups import by_subgroup
from tests import reference
from tests.test_tcav_verdict import AXIS, D, concept_of

MEANS = kind_named("diffmean")
SETTINGS = Settings(kinds=("diffmean",), permutations=199)


def question_of(gradients: np.ndarray) -> Question:
    return Question((7,), ("block 7",), (identity(D),), {"up": [gradients]}, np.arange(len(gradients)))


def test_relative_tcav_takes_the_positives_of_another_set_as_negatives() -> None:
    one = from_lists(["a a", "b b"], ["c c", "d d"], "one")
    other = from_lists(["x x", "y y"], ["z z", "w w"], "other")
    relative = source_of(one, rival_of(other))
    assert relative.items == ["a a", "b b", "x x", "y y"]
    assert relative.y.tolist() == [1, 1, 0, 0]
    assert source_of(one, pool_of(other)).items == ["a a", "b b", "z z", "w w"]


def test_the_matrix_holds_cosines_and_what_one_cav_reads_of_another() -> None:
    rng = np.random.default_rng(0)
    concepts = [
        concept_of(rng, 3 * AXIS[0], "a"),
        concept_of(rng, 3 * unit(AXIS[0] + AXIS[1]), "b"),
        concept_of(rng, -3 * AXIS[2], "c"),
    ]
    found = entanglement(concepts, 0, MEANS, identity(D))
    assert found.names == ("a", "b", "c")
    assert np.diag(found.cosines) == pytest.approx(np.ones(3))
    assert found.cosines == pytest.approx(found.cosines.T)
    assert found.cosines[0, 1] > 0.4 > abs(found.cosines[0, 2])
    cav = cav_of(concepts[0], 0, MEANS, identity(D))
    for column, concept in enumerate(concepts):
        expected = reference.auroc(concept.y.tolist(), (concept.X[0] @ cav).tolist())
        assert found.reads[0, column] == pytest.approx(expected)
    assert found.reads[0, 1] > 0.85
    assert abs(found.reads[0, 2] - 0.5) < 0.15


def test_taking_a_confound_out_of_the_gradients_takes_it_out_of_the_cav() -> None:
    rng = np.random.default_rng(1)
    gradients = 0.3 * rng.standard_normal((25, D)) + AXIS[0] + AXIS[1]
    confounds = unit(np.stack([AXIS[0] + 0.1 * AXIS[5], AXIS[0] + 0.1 * AXIS[5], AXIS[3]]))  # one of them twice
    clean = without(question_of(gradients), [confounds])
    cav = unit(rng.standard_normal(D))
    basis = np.linalg.qr(confounds[1:].T)[0].T
    projected = cav - basis.T @ (basis @ cav)
    assert clean.gradients["up"][0] @ cav == pytest.approx(gradients @ projected)
    assert np.abs(clean.gradients["up"][0] @ confounds.T).max() < 1e-9
    only_confound = concept_of(rng, 3 * confounds[0], "the confound itself")
    both = concept_of(rng, 3 * (AXIS[0] + AXIS[1]), "more than that")
    before = [examine(one, question_of(gradients), SETTINGS).p[0, 0] for one in (only_confound, both)]
    after = [examine(one, clean, SETTINGS).p[0, 0] for one in (only_confound, both)]
    assert before == pytest.approx([0.005, 0.005])
    assert after[0] > 0.05
    assert after[1] == pytest.approx(0.005)
    untouched = without(question_of(gradients), [np.zeros((1, D))])
    assert untouched.gradients["up"][0] == pytest.approx(gradients)


def test_without_a_confound_cosine_and_auroc_are_those_of_what_is_left_of_the_cav() -> None:
    rng = np.random.default_rng(2)
    gradients = 0.3 * rng.standard_normal((25, D)) + AXIS[0] + AXIS[1]
    concept = concept_of(rng, 3 * AXIS[0] + 0.8 * AXIS[1], "mostly the confound")
    clean = without(question_of(gradients), [AXIS[:1]])
    before, after = (
        analyse([concept], question, SETTINGS)[0].to_json() for question in (question_of(gradients), clean)
    )
    left, G = (
        concept.X[0] - np.outer(concept.X[0] @ AXIS[0], AXIS[0]),
        gradients - np.outer(gradients @ AXIS[0], AXIS[0]),
    )
    cav = unit(left[concept.y == 1].mean(axis=0) - left[concept.y == 0].mean(axis=0))
    assert after["mean_cosine"] == pytest.approx(float((unit(G) @ cav).mean()))
    assert after["mean_derivative"] == pytest.approx(float((G @ cav).mean()))
    assert after["mean_cosine_ci"][0] < after["mean_cosine"] < after["mean_cosine_ci"][1]
    # By hand: a concept whose rows lost the direction beforehand reads as well.
    projected = analyse([dataclasses.replace(concept, X=[left])], question_of(G), SETTINGS)[0].to_json()
    for name in ("auroc", "auroc_p", "score", "z", "p", "mean_cosine", "mean_cosine_ci", "null_sd"):
        assert after[name] == pytest.approx(projected[name]), name
    assert after["auroc"] < before["auroc"] - 0.1
    alone = analyse(
        [concept], without(question_of(gradients), [cav_of(concept, 0, MEANS, identity(D))[None]]), SETTINGS
    )
    assert alone[0].to_json()["mean_cosine"] == pytest.approx(0, abs=1e-9)  # nothing is left


def test_subgroups_differ_where_their_gradients_do() -> None:
    rng = np.random.default_rng(2)
    concept = concept_of(rng, 3 * AXIS[0], "it")
    gradients = rng.standard_normal((90, D))
    gradients[:30] += 2 * AXIS[0]
    names = ["for"] * 30 + ["neither"] * 30 + ["" if n < 25 else "few" for n in range(27)] + ["few"] * 3
    names[-3:] = ["rare"] * 3
    found = by_subgroup(concept, 0, MEANS, identity(D), gradients, np.arange(90), names, resamples=300)
    assert list(found.scores) == ["for", "neither"]
    assert found.left_out == ("few", "rare")
    cav = cav_of(concept, 0, MEANS, identity(D))
    assert found.scores["for"] == scores(gradients[:30], cav)
    (difference,) = found.differences
    assert difference.sign == pytest.approx(found.scores["for"].sign - found.scores["neither"].sign)
    assert difference.sign_ci[0] > 0
    assert difference.cosine_ci[0] > 0
    with pytest.raises(UserError, match="two are needed"):
        by_subgroup(concept, 0, MEANS, identity(D), gradients, np.zeros(90), names)
    with pytest.raises(UserError, match="diffmean or lda"):
        by_subgroup(concept, 0, kind_named("logistic"), identity(D), gradients, np.arange(90), names)


def test_intervals_of_differences_cover_nought_where_subgroups_are_alike() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for run in range(60):
        concept, gradients = concept_of(rng, 3 * AXIS[0], "it"), rng.standard_normal((80, D)) + 0.5 * AXIS[0]
        names = ["a", "b"] * 40
        found = by_subgroup(concept, 0, MEANS, identity(D), gradients, np.arange(80), names, resamples=200, seed=run)
        low, high = found.differences[0].sign_ci
        covered += low <= 0 <= high
    assert covered >= 50  # 57 is 95%; percentile bootstraps run a little narrow


def test_opposite_answers_against_different_pools_are_flagged() -> None:
    rng = np.random.default_rng(4)
    question = question_of(0.1 * rng.standard_normal((20, D)) + AXIS[0])
    positives = concept_of(rng, 2 * AXIS[0], "near")
    far = dataclasses.replace(positives, name="far", X=(positives.X[0] + np.outer(1 - positives.y, 4 * AXIS[0]),))
    same = concept_of(rng, 2 * AXIS[0], "also near")
    answers, cells = against_pools({"near": positives, "far": far, "also near": same}, question, SETTINGS)
    assert [one.pool for one in answers] == ["near", "far", "also near"]
    assert answers[0].scores.mean_cosine > 0 > answers[1].scores.mean_cosine
    (cell,) = cells
    assert (cell.target, cell.layer, cell.flips) == ("up", 7, True)
    cosines = [one.scores.mean_cosine for one in answers]
    assert cell.spread == pytest.approx(max(cosines) - min(cosines))
    alike = against_pools({"near": positives, "also near": same}, question, SETTINGS)[1]
    assert not alike[0].flips
