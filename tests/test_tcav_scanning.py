"""The scan ranks by |mean cosine| and says of each concept what the single test would say."""

from __future__ import annotations

import numpy as np
import pytest

from core.stats.multiplicity import benjamini_hochberg
from core.tcav.acting import PushEffect
from core.tcav.analysis import Question, Settings, analyse
from core.tcav.cavs import unit
from core.tcav.concept import Concept
from core.tcav.covariance import inverse_covariance
from core.tcav.scanning import rank_concepts
from core.tcav.verdict import NO_CONTROLS, NOT_DETECTED, NOT_PUSHED, NOT_READABLE, SUPPORTED
from tests.test_tcav_verdict import AXIS, D, concept_of, linear_push


@pytest.fixture(scope="module")
def question() -> Question:
    rng = np.random.default_rng(0)
    gradients = 0.3 * rng.standard_normal((30, D)) + AXIS[0]
    return Question(
        (7,), ("block 7",), (inverse_covariance(rng.standard_normal((900, D))),), {"up": [gradients]}, np.arange(30)
    )


@pytest.fixture(scope="module")
def concepts() -> list[Concept]:
    rng = np.random.default_rng(1)
    others = [concept_of(rng, 2.5 * unit(rng.standard_normal(D) * (AXIS[0] == 0)), f"other {n}", 30) for n in range(42)]
    return [
        *others[:20],
        concept_of(rng, -2.5 * AXIS[0], "the axis", 30),
        concept_of(rng, 0 * AXIS[0], "nothing"),
        *others[20:],
    ]


def test_the_concept_that_matters_is_first_and_agrees_with_its_own_test(
    question: Question, concepts: list[Concept]
) -> None:
    settings = Settings(correction="bh")
    found = rank_concepts(concepts, question, settings, pushing=linear_push(3))  # type: ignore[arg-type]
    assert [one.rank for one in found] == list(range(1, 45))
    sizes = [abs(one.scores.mean_cosine) for one in found]
    assert sizes == sorted(sizes, reverse=True)
    first = found[0]
    assert (first.concept, first.verdict) == ("the axis", SUPPORTED)
    assert first.scores.mean_cosine < -0.3
    assert first.push is not None
    assert first.push.rank == 1
    assert next(one for one in found if one.concept == "nothing").verdict == NOT_READABLE
    assert sum(one.verdict == NOT_DETECTED for one in found) > 35
    (alone,) = analyse([concepts[20]], question, settings)
    kind = alone.kinds["diffmean"]
    assert (first.p, first.z, first.scores, first.readable.auroc) == (
        alone.p,
        kind.z,
        kind.scores,
        kind.readability.auroc,
    )
    assert sorted(one.p_adjusted for one in found) == pytest.approx(
        sorted(benjamini_hochberg([one.p for one in found]))
    )
    json = first.to_json()
    assert {"concept", "score", "mean_cosine", "auroc", "p", "p_adjusted", "specificity", "verdict", "rank"} <= set(
        json
    )


def test_pushes_are_made_only_where_all_else_is_answered(question: Question, concepts: list[Concept]) -> None:
    pushed: list[float] = []

    def pushing(site: int, target: str, cavs: np.ndarray) -> list[PushEffect]:
        pushed.append(float(cavs[0, 0]))
        return linear_push(3)(site, target, cavs)  # type: ignore[operator]

    rank_concepts(concepts, question, Settings(correction="bh"), pushing=pushing)
    assert 1 <= len(pushed) <= 3
    assert min(pushed) < -0.5
    few = rank_concepts(concepts[:30], question, Settings(correction="bh"))
    assert few[0].specificity is None
    assert few[0].verdict == NO_CONTROLS
    assert rank_concepts(concepts, question, Settings(correction="bh"))[0].verdict == NOT_PUSHED
