"""The scan on a language model: all sets of texts at hand, recorded where they were not yet."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from core.activations import read_result, write_result
from core.errors import UserError
from core.examples import Examples, catalogue
from core.models import Model
from core.progress import Listener, Progress, silent
from core.tcav.analysis import Settings
from core.tcav.concept import Concept
from core.tcav.disjoint import Inputs
from core.tcav.keys import Reading, result_key, sites_of
from core.tcav.recorded import record_concept
from core.tcav.scanning import rank_concepts
from core.tcav.sources import source_of
from core.tcav.targets import Target
from core.tcav.texts import PUSHED, ask, pusher

VERSION = 1
ROWS = 120  # of each set, half of them positives, unless the user says otherwise


def concepts_at_hand() -> list[str]:
    """Ids of all sets of texts: the user's saved ones and the bundled binary ones, without those under a shift."""
    return [info.id for info in catalogue() if info.kind == "text" and "/shift/" not in info.id]


def scan(
    model: Model,
    concepts: Sequence[Examples],
    target: Target,
    inputs: Inputs,
    layer: int,
    *,
    settings: Settings | None = None,
    reading: Reading | None = None,
    pushed: int = PUSHED,
    progress: Listener = silent,
) -> dict[str, Any]:
    """`concepts` ranked for one target at the residual stream after `layer`: {"results", "notes", "seconds", "cached"}.

    A set of which too few rows can be used is left out and named in the notes.
    """
    start = time.perf_counter()
    settings, reading = replace(settings or Settings(), correction="bh"), reading or Reading()
    if not concepts:
        raise UserError("There are no concepts to scan; `make setup` brings the bundled sets.")
    sites = sites_of(model, [layer])
    sources = [source_of(one) for one in concepts]
    key = result_key(
        "scan", model, sources, [target], inputs, sites, settings, reading, (), pushed=pushed, version=VERSION
    )
    if (known := read_result(key)) is not None:
        return {**known, "seconds": time.perf_counter() - start, "cached": True}
    asked = ask(model, [target], inputs, sources, sites, settings=settings, reading=reading, progress=progress)
    recorded: list[Concept] = []
    notes = list(asked.notes)
    for number, source in enumerate(sources):
        progress(Progress(number, len(sources), "sets", f"recording {len(sources)} sets"))
        try:
            recorded.append(
                record_concept(model, source, sites, asked.texts, pool=reading.pool, max_length=reading.max_length)
            )
        except UserError as reason:
            notes.append(str(reason))
    progress(Progress(len(sources), len(sources), "sets", f"recording {len(sources)} sets"))
    if not recorded:
        raise UserError(f"None of the {len(sources)} sets can be used: {notes[-1]}")
    pushing = pusher(model, [target], asked, sites, reading, pushed, settings.seed, progress) if pushed else None
    ranked = rank_concepts(recorded, asked.question, settings, pushing=pushing, progress=progress)
    found = {"results": [one.to_json() for one in ranked], "notes": notes}
    write_result(key, found)
    return {**found, "seconds": time.perf_counter() - start, "cached": False}
