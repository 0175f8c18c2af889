"""Check my test on a model: calibration from its own activations of texts or images."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.activations import read_result, write_result
from core.errors import UserError
from core.progress import Listener, silent
from core.tcav.analysis import Settings
from core.tcav.asking import PUSHED, ask, pusher
from core.tcav.calibration import calibrate
from core.tcav.controls import record_controls
from core.tcav.disjoint import Inputs
from core.tcav.keys import result_key
from core.tcav.reader import Reading
from core.tcav.readers import reader_of, require_open, sites_of
from core.tcav.recorded import record_concept
from core.tcav.sources import Labelled, Pool, source_of, source_of_pool
from core.tcav.targets import Target

if TYPE_CHECKING:
    from core.models import AnyModel, ImageModel

VERSION = 2  # raised when the numbers change: part of the key of every stored result
RUNS = 400
SIZE = 50


def check(
    model: AnyModel | ImageModel,
    negatives: Pool,
    targets: Sequence[Target],
    inputs: Inputs,
    layers: Sequence[int | str],
    *,
    concept: Labelled | None = None,
    settings: Settings | None = None,
    reading: Reading | None = None,
    controls: Sequence[Labelled] = (),
    pushed: int = PUSHED,
    runs: int = RUNS,
    size: int = SIZE,
    compute: bool = True,
    progress: Listener = silent,
) -> dict[str, Any]:
    """`calibrate` with random sets of the pool `negatives`, and power for the positives of `concept` against it.

    Returns what `Calibration.to_json` gives, with `seconds` and `cached`. Every run tests one concept, so that there is
    nothing to correct over concepts; how the settings would do so does not count.
    """
    start = time.perf_counter()
    settings, reader = replace(settings or Settings(), correction="holm"), reader_of(model, reading)
    if runs < 1 or size < 4:
        raise UserError("A calibration needs at least one run, and sets of 4 or more.")
    sites = sites_of(model, layers)
    sources = [source_of_pool(negatives), *([source_of(concept, negatives)] if concept is not None else [])]
    more = {"pushed": pushed, "runs": runs, "size": size, "version": VERSION}
    key = result_key("calibration", reader, sources, targets, inputs, sites, settings, controls, **more)
    if (known := read_result(key)) is not None:
        return {**known, "seconds": time.perf_counter() - start, "cached": True}
    require_open(model, compute=compute)
    asked = ask(reader, targets, inputs, sources, sites, settings=settings, progress=progress)
    pool, *rest = [
        record_concept(reader, source, sites, asked.apart, one_class=not place, progress=progress)
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
    others = record_controls(reader, controls, sites, asked.apart, progress=progress)
    found = calibrate(
        pool,
        asked.question,
        settings,
        concept=rest[0] if rest else None,
        controls=others,
        pushing=pusher(reader, targets, asked, sites, pushed, settings.seed) if pushed else None,
        runs=runs,
        size=size,
        seed=settings.seed,
        progress=progress,
    )
    write_result(key, found.to_json())
    return {**found.to_json(), "seconds": time.perf_counter() - start, "cached": False}
