"""What concepts are asked about: the targets' gradients at the inputs, and what a push of a CAV does there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import UserError
from core.models import Site
from core.progress import Listener, silent
from core.tcav.acting import DOSES, PushEffect, push_effects, random_directions
from core.tcav.analysis import Question, Settings
from core.tcav.changes import changes
from core.tcav.concept import ENOUGH
from core.tcav.disjoint import Inputs, kept_inputs
from core.tcav.reader import Reader
from core.tcav.recorded import plain_metrics, record_metrics
from core.tcav.sources import Source
from core.tcav.targets import Target

FEWEST_INPUTS = 4
PUSHED = 32  # inputs that real pushes are measured on


@dataclass(frozen=True, eq=False)
class Asked:
    """What concepts are tested on, and the texts or images behind it. values: target's name -> (m,), without pushes.

    apart: what no example may be, the items and what they were before a cut.
    """

    question: Question
    items: tuple[Any, ...]
    apart: tuple[Any, ...]
    values: Mapping[str, np.ndarray]
    notes: tuple[str, ...]


def ask(
    reader: Reader,
    targets: Sequence[Target],
    inputs: Inputs,
    sources: Sequence[Source],
    sites: Sequence[Site],
    *,
    settings: Settings,
    progress: Listener = silent,
) -> Asked:
    """Gradients at the inputs that are not examples of a concept, and the sites' covariances.

    Gradients are computed for all inputs, also for those that fall away, so that other concepts find them done.
    """
    apart = kept_inputs(inputs, [source.items for source in sources])
    found = {target.name: reader.gradients(target, inputs.items, sites, progress) for target in targets}
    usable = np.all([np.isfinite(G.at[site]).all(axis=1) for G in found.values() for site in sites], axis=0)
    rows = apart[usable[apart]]
    notes = []
    if fallen := len(inputs.items) - len(apart):
        notes.append(f"{fallen} of {len(inputs.items)} inputs also stand among the examples, and were left out.")
    if empty := len(apart) - len(rows):
        notes.append(f"{empty} inputs have no token that is pooled, and were left out.")
    if len(rows) < FEWEST_INPUTS:
        raise UserError(
            f"Only {len(rows)} of the {len(inputs.items)} inputs of {inputs.id} can be used ({fallen} stand among the"
            f" examples): TCAV needs {FEWEST_INPUTS} at the least, and {ENOUGH} or more to say much."
        )
    if len(rows) > 1 and len(np.unique(inputs.groups[rows])) == 1:
        notes.append(f"The {len(rows)} inputs are variants of one: what is found holds for that one alone.")
    items, others = tuple(inputs.items[row] for row in rows), inputs.taken(rows)
    if longer := reader.longer(items):
        notes.append(f"{longer} of {len(items)} inputs are longer than what is read; their answer is that at the cut.")
    if any(kind.whitened for kind in settings.chosen):
        metrics = record_metrics(reader, sites, others, progress=progress)
    else:
        metrics = plain_metrics([next(iter(found.values())).at[site].shape[1] for site in sites])
    question = Question(
        layers=tuple(site.layer for site in sites),
        sites=tuple(map(str, sites)),
        metrics=tuple(metrics),
        gradients={name: [G.at[site][rows] for site in sites] for name, G in found.items()},
        groups=inputs.groups[rows],
    )
    return Asked(question, items, others, {name: G.values[rows] for name, G in found.items()}, tuple(notes))


def pusher(
    reader: Reader,
    targets: Sequence[Target],
    asked: Asked,
    sites: Sequence[Site],
    pushed: int,
    seed: int,
    progress: Listener = silent,
) -> Any:
    """What `analyse` calls to push CAVs: on the same inputs for all, and against the same random directions."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(asked.items))[:pushed])
    items = [asked.items[row] for row in chosen]
    by_name = {target.name: target for target in targets}

    def effects(site: int, target: str, cavs: np.ndarray) -> list[PushEffect]:
        def push(directions: np.ndarray, doses: Sequence[float]) -> np.ndarray:
            return changes(reader, by_name[target], items, sites[site], directions, doses, progress=progress)

        return push_effects(cavs, push, push(random_directions(cavs.shape[1], seed=seed), DOSES))

    return effects
