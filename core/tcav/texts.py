"""TCAV on a language model: texts in, verdicts out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.activations import read_result, write_result
from core.errors import UserError
from core.examples import Examples
from core.models import Model, Site
from core.progress import Listener, silent
from core.tcav.acting import DOSES, PushEffect, push_effects, random_directions
from core.tcav.analysis import Question, Settings, analyse
from core.tcav.concept import ENOUGH, Concept
from core.tcav.controls import record_controls
from core.tcav.disjoint import Inputs, kept_inputs
from core.tcav.gradients import target_gradients
from core.tcav.keys import Reading, result_key, sites_of
from core.tcav.pushing import changes
from core.tcav.recorded import plain_metrics, record_concept, record_metrics
from core.tcav.sources import Pool as Negatives
from core.tcav.sources import Source, source_of
from core.tcav.targets import Target

VERSION = 1  # raised when the numbers change: part of the key of every stored result
FEWEST_INPUTS = 4
PUSHED = 32  # inputs that real pushes are measured on


@dataclass(frozen=True)
class Tcav:
    """results: one JSON object per concept, layer and target (see `Cell.to_json`). notes: sentences for people."""

    results: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    seconds: float
    cached: bool

    def to_json(self) -> dict[str, Any]:
        return {
            "results": list(self.results),
            "notes": list(self.notes),
            "seconds": self.seconds,
            "cached": self.cached,
        }


def tcav(
    model: Model,
    concepts: Sequence[Examples],
    targets: Sequence[Target],
    inputs: Inputs,
    layers: Sequence[int],
    *,
    negatives: Negatives | None = None,
    settings: Settings | None = None,
    reading: Reading | None = None,
    controls: Sequence[Examples] = (),
    pushed: int = PUSHED,
    progress: Listener = silent,
) -> Tcav:
    """Does the model's answer depend on each concept? At the residual stream after each of `layers`.

    negatives: a pool for all concepts; by default each set's own. controls: sets that stand for other concepts, 40 at
    the least for a verdict about specificity. pushed: on how many inputs real pushes are measured; 0 for none. The
    result is kept in the workspace; the same call again reads it from there.
    """
    start = time.perf_counter()
    settings, reading = settings or Settings(), reading or Reading()
    if not concepts or not targets:
        raise UserError("TCAV needs at least one concept and one target.")
    sites = sites_of(model, layers)
    sources = [source_of(one, negatives) for one in concepts]
    key = result_key(
        "tcav", model, sources, targets, inputs, sites, settings, reading, controls, pushed=pushed, version=VERSION
    )
    if (known := read_result(key)) is not None:
        seconds = time.perf_counter() - start
        return Tcav(tuple(known["results"]), tuple(known["notes"]), seconds, cached=True)
    asked = ask(model, targets, inputs, sources, sites, settings=settings, reading=reading, progress=progress)
    recorded = [
        record_concept(
            model, source, sites, asked.texts, pool=reading.pool, max_length=reading.max_length, progress=progress
        )
        for source in sources
    ]
    others = record_controls(
        model, controls, sites, asked.texts, pool=reading.pool, max_length=reading.max_length, progress=progress
    )
    cells = analyse(
        recorded,
        asked.question,
        settings,
        controls=others,
        pushing=pusher(model, targets, asked, sites, reading, pushed, settings.seed, progress) if pushed else None,
        progress=progress,
    )
    results, notes = tuple(cell.to_json() for cell in cells), (*asked.notes, *advice(recorded))
    write_result(key, {"results": list(results), "notes": list(notes)})
    return Tcav(results, notes, time.perf_counter() - start, cached=False)


@dataclass(frozen=True, eq=False)
class Asked:
    """What concepts are tested on, and the texts behind it."""

    question: Question
    texts: tuple[str, ...]
    notes: tuple[str, ...]


def ask(
    model: Model,
    targets: Sequence[Target],
    inputs: Inputs,
    sources: Sequence[Source],
    sites: Sequence[Site],
    *,
    settings: Settings,
    reading: Reading,
    progress: Listener = silent,
) -> Asked:
    """Gradients at the inputs that are not examples of a concept, and the sites' covariances.

    Gradients are computed for all inputs, also for those that fall away, so that other concepts find them done.
    """
    apart = kept_inputs(inputs, [source.texts for source in sources])
    found = {
        target.name: target_gradients(
            model,
            target,
            inputs.texts,
            sites,
            pool=reading.pool,
            max_length=reading.max_length,
            progress=progress,
        )
        for target in targets
    }
    usable = np.all([np.isfinite(G.at[site]).all(axis=1) for G in found.values() for site in sites], axis=0)
    rows = apart[usable[apart]]
    notes = []
    if fallen := len(inputs.texts) - len(apart):
        notes.append(f"{fallen} of {len(inputs.texts)} inputs also stand among the examples, and were left out.")
    if empty := len(apart) - len(rows):
        notes.append(f"{empty} inputs have no token that is pooled, and were left out.")
    if len(rows) < FEWEST_INPUTS:
        raise UserError(
            f"Only {len(rows)} of the {len(inputs.texts)} inputs of {inputs.id} can be used ({fallen} stand among the"
            f" examples): TCAV needs {FEWEST_INPUTS} at the least, and {ENOUGH} or more to say much."
        )
    texts = tuple(inputs.texts[row] for row in rows)
    whitened = any(kind.whitened for kind in settings.chosen)
    width = next(iter(found.values())).at[sites[0]].shape[1]
    metrics = (
        record_metrics(model, sites, texts, pool=reading.pool, progress=progress)
        if whitened
        else plain_metrics(sites, width)
    )
    question = Question(
        layers=tuple(site.layer for site in sites),
        sites=tuple(map(str, sites)),
        metrics=tuple(metrics),
        gradients={name: [G.at[site][rows] for site in sites] for name, G in found.items()},
        groups=inputs.groups[rows],
    )
    return Asked(question, texts, tuple(notes))


def pusher(
    model: Model,
    targets: Sequence[Target],
    asked: Asked,
    sites: Sequence[Site],
    reading: Reading,
    pushed: int,
    seed: int,
    progress: Listener = silent,
) -> Any:
    """What `analyse` calls to push CAVs: on the same inputs for all, and against the same random directions."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(asked.texts))[:pushed])
    texts = [asked.texts[row] for row in chosen]
    by_name = {target.name: target for target in targets}

    def effects(site: int, target: str, cavs: np.ndarray) -> list[PushEffect]:
        def push(directions: np.ndarray, doses: Sequence[float]) -> np.ndarray:
            return changes(
                model,
                by_name[target],
                texts,
                sites[site],
                directions,
                doses,
                pool=reading.pool,
                max_length=reading.max_length,
                progress=progress,
            )

        return push_effects(cavs, push, push(random_directions(cavs.shape[1], seed=seed), DOSES))

    return effects


def advice(concepts: Sequence[Concept]) -> list[str]:
    """What a reader should know about the examples."""
    said = []
    for concept in concepts:
        fewest = min(len(np.unique(concept.groups[concept.y == label])) for label in (0, 1))
        if fewest < ENOUGH:
            said.append(
                f"{concept.name} has only {fewest} independent examples of its smaller class: below {ENOUGH} a concept"
                " that matters is often not detected."
            )
        for why, count in concept.left_out.items():
            said.append(f"{concept.name}: {count} rows left out ({why}).")
    return said
