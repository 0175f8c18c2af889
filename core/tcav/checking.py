"""Check my test on a language model: calibration from texts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from core.activations import read_result, write_result
from core.errors import UserError
from core.examples import Examples
from core.models import Model
from core.progress import Listener, silent
from core.tcav.analysis import Settings
from core.tcav.calibration import calibrate
from core.tcav.controls import record_controls
from core.tcav.disjoint import Inputs
from core.tcav.keys import Reading, result_key, sites_of
from core.tcav.recorded import record_concept
from core.tcav.sources import Pool, source_of, source_of_pool
from core.tcav.targets import Target
from core.tcav.texts import PUSHED, ask, pusher

VERSION = 1
RUNS = 400
SIZE = 50


def check(
    model: Model,
    negatives: Pool,
    targets: Sequence[Target],
    inputs: Inputs,
    layers: Sequence[int],
    *,
    concept: Examples | None = None,
    settings: Settings | None = None,
    reading: Reading | None = None,
    controls: Sequence[Examples] = (),
    pushed: int = PUSHED,
    runs: int = RUNS,
    size: int = SIZE,
    progress: Listener = silent,
) -> dict[str, Any]:
    """`calibrate` with random sets of the pool `negatives`, and power for the positives of `concept` against it.

    Returns what `Calibration.to_json` gives, with `seconds` and `cached`.
    """
    start = time.perf_counter()
    settings, reading = settings or Settings(), reading or Reading()
    if runs < 1 or size < 4:
        raise UserError("A calibration needs at least one run, and sets of 4 or more.")
    sites = sites_of(model, layers)
    sources = [source_of_pool(negatives), *([source_of(concept, negatives)] if concept is not None else [])]
    more = {"pushed": pushed, "runs": runs, "size": size, "version": VERSION}
    key = result_key("calibration", model, sources, targets, inputs, sites, settings, reading, controls, **more)
    if (known := read_result(key)) is not None:
        return {**known, "seconds": time.perf_counter() - start, "cached": True}
    asked = ask(model, targets, inputs, sources, sites, settings=settings, reading=reading, progress=progress)
    how: dict[str, Any] = {"pool": reading.pool, "max_length": reading.max_length}
    pool, *rest = [
        record_concept(model, source, sites, asked.texts, one_class=not place, progress=progress, **how)
        for place, source in enumerate(sources)
    ]
    needed = size if rest else 0
    have = len(np.unique(pool.groups))
    if have < 2 * size:
        raise UserError(
            f"{negatives.id} holds {have} independent rows apart from the inputs; random sets of {size} against {size}"
            f" need {2 * size}. Use a larger pool or a smaller --size."
        )
    for one in rest:
        positives = len(np.unique(one.groups[one.y == 1]))
        if positives < needed:
            raise UserError(f"{one.name} holds {positives} independent positives, fewer than {size}; lower --size.")
    others = record_controls(model, controls, sites, asked.texts, progress=progress, **how)
    found = calibrate(
        pool,
        asked.question,
        settings,
        concept=rest[0] if rest else None,
        controls=others,
        pushing=pusher(model, targets, asked, sites, reading, pushed, settings.seed) if pushed else None,
        runs=runs,
        size=size,
        seed=settings.seed,
        progress=progress,
    )
    write_result(key, found.to_json())
    return {**found.to_json(), "seconds": time.perf_counter() - start, "cached": False}
