"""How much of a score is owed to the negatives: the same concept against several pools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.tcav.analysis import Question, Settings, examine
from core.tcav.cavs import kind_named
from core.tcav.concept import Concept
from core.tcav.entanglement import cav_of
from core.tcav.scores import Scores, scores
from core.tcav.verdict import LEVEL


@dataclass(frozen=True)
class AgainstPool:
    """One pool's answer in one cell. z: of the kind of CAV that is shown. p: as for the concept itself."""

    pool: str
    target: str
    layer: int
    scores: Scores
    z: float
    p: float


@dataclass(frozen=True)
class Sensitivity:
    """Of one cell over all pools. flips: two pools, each with p up to .05, say opposite signs: then the score is a
    statement about the negatives as much as about the concept. spread: largest minus smallest mean cosine.
    """

    target: str
    layer: int
    flips: bool
    spread: float


def against_pools(
    concepts: Mapping[str, Concept], question: Question, settings: Settings
) -> tuple[list[AgainstPool], list[Sensitivity]]:
    """concepts: the same positives against each pool, by the pool's name."""
    kind, place = kind_named(settings.cav), settings.kinds.index(settings.cav)
    found: list[AgainstPool] = []
    for name, concept in concepts.items():
        test = examine(concept, question, settings)
        for site, metric in enumerate(question.metrics):
            cav = cav_of(concept, site, kind, metric)
            for q, target in enumerate(question.targets):
                found.append(
                    AgainstPool(
                        name,
                        target,
                        question.layers[site],
                        scores(question.gradients[target][site], cav),
                        float(test.z[site, q, place]),
                        float(test.p[site, q]),
                    )
                )
    cells = dict.fromkeys((one.target, one.layer) for one in found)
    return found, [_sensitivity(*cell, [one for one in found if (one.target, one.layer) == cell]) for cell in cells]


def _sensitivity(target: str, layer: int, answers: list[AgainstPool]) -> Sensitivity:
    signs = {one.scores.mean_cosine > 0 for one in answers if one.p <= LEVEL}
    cosines = [one.scores.mean_cosine for one in answers]
    return Sensitivity(target, layer, len(signs) == 2, max(cosines) - min(cosines))
