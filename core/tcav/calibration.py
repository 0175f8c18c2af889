"""Check my test: how often it finds something where there is nothing, and where there is something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.progress import Listener, Progress, silent
from core.tcav.analysis import Pushing, Question, Settings, examine
from core.tcav.cavs import kind_named, raw_cavs, unit
from core.tcav.concept import Concept
from core.tcav.planting import gradient_span, orthogonal_shift, planted
from core.tcav.readability import readability
from core.tcav.scores import scores
from core.tcav.specificity import FEWEST, Controls, readable_controls, specificity
from core.tcav.verdict import LEVEL, SUPPORTED, verdict


@dataclass(frozen=True)
class Calibration:
    """Shares of runs, 0 to 1. size: positives, and negatives, of every run.

    false_positive_rate: of p up to .05 where the concept is a random set, p being of the larger |z| among the kinds of
    CAV and, with several layers or targets, adjusted for them. It should be .05. by_kind: the same of each kind alone.
    supported_orthogonal: of the verdict "supported" for concepts that are shifted across all gradients; None where
    nothing could be supported, without 40 control concepts or without pushes. `planted_auroc` says how well those are
    read. power: of p up to .05 for real positives against the pool; None without a concept.
    """

    false_positive_rate: float
    by_kind: dict[str, float]
    supported_orthogonal: float | None
    planted_auroc: float | None
    planted_found: float | None
    power: float | None
    power_by_kind: dict[str, float] | None
    runs: int
    size: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def calibrate(
    pool: Concept,
    question: Question,
    settings: Settings,
    *,
    concept: Concept | None = None,
    controls: Sequence[Concept] = (),
    pushing: Pushing | None = None,
    runs: int = 400,
    size: int = 50,
    seed: int = 0,
    progress: Listener = silent,
) -> Calibration:
    """pool: rows of which random sets are drawn; its labels do not count. concept: with the pool's sites.

    In each run `size` groups are drawn as positives and as many others as negatives, one row of each. Seeds of runs
    follow from `seed`, which is to be fixed before looking.
    """
    rng = np.random.default_rng(seed)
    spans = [
        gradient_span(np.concatenate([question.gradients[target][site] for target in question.targets]))
        for site in range(len(question.sites))
    ]
    shown = kind_named(settings.cav)
    compared = [readable_controls(controls, site, shown, metric) for site, metric in enumerate(question.metrics)]
    null: list[tuple[bool, ...]] = []
    power: list[tuple[bool, ...]] = []
    found: list[bool] = []
    aurocs: list[float] = []
    supported = 0
    steps = runs * (2 + (concept is not None))
    for run in range(runs):
        progress(Progress(run, steps, "runs", "random sets"))
        null.append(_rejected(drawn(rng, pool, size), question, settings, run))
    for run in range(runs):
        progress(Progress(runs + run, steps, "runs", "planted sets"))
        plain = drawn(rng, pool, size)
        shifts = tuple(orthogonal_shift(rng, X, span) for X, span in zip(pool.X, spans, strict=True))
        judged, rejected, auroc = _judged(planted(plain, shifts), question, settings, compared, pushing, run)
        supported, found, aurocs = supported + judged, [*found, rejected], [*aurocs, auroc]
    for run in range(runs if concept is not None else 0):
        assert concept is not None
        progress(Progress(2 * runs + run, steps, "runs", "the concept"))
        power.append(_rejected(drawn(rng, pool, size, concept), question, settings, run))
    progress(Progress(steps, steps, "runs", "calibrating"))
    return Calibration(
        false_positive_rate=float(np.mean([one[0] for one in null])),
        by_kind=_by_kind(null, settings),
        supported_orthogonal=supported / runs if len(controls) >= FEWEST and pushing is not None else None,
        planted_auroc=float(np.mean(aurocs)),
        planted_found=float(np.mean(found)),
        power=float(np.mean([one[0] for one in power])) if power else None,
        power_by_kind=_by_kind(power, settings) if power else None,
        runs=runs,
        size=size,
    )


def drawn(rng: np.random.Generator, pool: Concept, size: int, concept: Concept | None = None) -> Concept:
    """`size` negatives from the pool against `size` others of it, or against as many positives of `concept`.

    One row from each of as many groups, so that every run has independent rows alone.
    """
    if concept is None:
        rows = _one_each(rng, pool.groups, 2 * size)
        X = tuple(part[rows] for part in pool.X)
    else:
        positives = np.flatnonzero(concept.y == 1)
        chosen = positives[_one_each(rng, concept.groups[positives], size)]
        rows = _one_each(rng, pool.groups, size)
        X = tuple(np.concatenate([own[chosen], part[rows]]) for own, part in zip(concept.X, pool.X, strict=True))
    y = np.repeat([1, 0], size)
    return Concept("drawn" if concept is None else concept.name, X, y, np.arange(2 * size), {})


def _one_each(rng: np.random.Generator, groups: np.ndarray, count: int) -> np.ndarray:
    """`count` rows of different groups."""
    order = rng.permutation(len(groups))
    firsts = order[np.unique(groups[order], return_index=True)[1]]
    return rng.choice(firsts, count, replace=False)


def _rejected(concept: Concept, question: Question, settings: Settings, seed: int) -> tuple[bool, ...]:
    """Whether p is up to the level: of all kinds together, then of each kind alone."""
    test = examine(concept, question, _seeded(settings, seed))
    sizes, null = np.abs(test.z).max(axis=(0, 1)), np.abs(test.null).max(axis=(1, 2))
    alone = (1 + (null >= sizes - 1e-12).sum(axis=0)) / (1 + len(null))
    return (bool(test.p_largest.min() <= LEVEL), *(bool(p <= LEVEL) for p in alone))


def _judged(
    concept: Concept,
    question: Question,
    settings: Settings,
    controls: Sequence[Controls],
    pushing: Pushing | None,
    seed: int,
) -> tuple[bool, bool, float]:
    """Whether any cell is supported, whether p is up to the level, and how well the concept is read.

    What a verdict needs and no more: most of these concepts are out after the first question.
    """
    kind = kind_named(settings.cav)
    adjusted = examine(concept, question, _seeded(settings, seed)).p_largest
    supported, aurocs = False, []
    for site, metric in enumerate(question.metrics):
        read = readability(concept, site, kind, metric, permutations=199, seed=seed)
        aurocs.append(read.auroc)
        if read.p > LEVEL or adjusted[site].min() > LEVEL:
            continue
        means = question.mean_unit_gradients()[site]
        specific = specificity(concept, site, kind, metric, read.auroc, means, controls[site], seed=seed)
        cav = unit(raw_cavs(kind, concept.X[site], concept.y[None].astype(bool), metric)[0])
        for q, target in enumerate(question.targets):
            of_target = specific[q]
            beyond = None if of_target is None else of_target.beyond
            acts = None
            if beyond and pushing is not None:
                found = scores(question.gradients[target][site], cav)
                acts = pushing(site, target, cav[None])[0].acts(found.mean_derivative)
            supported |= verdict(read.p, float(adjusted[site, q]), beyond, acts) == SUPPORTED
    return supported, bool(adjusted.min() <= LEVEL), float(np.mean(aurocs))


def _seeded(settings: Settings, seed: int) -> Settings:
    return Settings(settings.kinds, settings.cav, settings.correction, settings.permutations, seed)


def _by_kind(rejected: Sequence[tuple[bool, ...]], settings: Settings) -> dict[str, float]:
    return {name: float(np.mean([one[1 + place] for one in rejected])) for place, name in enumerate(settings.kinds)}
