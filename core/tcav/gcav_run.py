"""GCAV on a model: what is recorded for it, and where its result is kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from core.activations import read_result, write_result
from core.errors import UserError
from core.models import ImageModel, Model
from core.progress import Listener, silent
from core.tcav import gcav_nets
from core.tcav.analysis import Settings
from core.tcav.asking import ask
from core.tcav.disjoint import Inputs
from core.tcav.gcav import FEWEST, fuse
from core.tcav.keys import result_key
from core.tcav.reader import Reading
from core.tcav.readers import reader_of, sites_of
from core.tcav.recorded import record_concept
from core.tcav.sources import Labelled, Pool, source_of, source_of_pool
from core.tcav.targets import Target

VERSION = 2  # raised when the numbers change: part of the key of every stored result


def gcav(
    model: Model | ImageModel,
    concepts: Sequence[Labelled],
    target: Target,
    inputs: Inputs,
    layers: Sequence[int | str],
    negatives: Pool,
    *,
    reading: Reading | None = None,
    seed: int = 0,
    progress: Listener = silent,
) -> dict[str, Any]:
    """`fuse` for the positives of `concepts` against a pool. Returns what `Gcav.to_json` gives, with notes, seconds and
    cached."""
    start = time.perf_counter()
    if not concepts:
        raise UserError("GCAV needs at least one concept.")
    settings, reader = Settings(kinds=("diffmean",), seed=seed), reader_of(model, reading)
    sites = sites_of(model, layers)
    sources = [*(source_of(one, negatives) for one in concepts), source_of_pool(negatives)]
    more = {"version": VERSION, "steps": gcav_nets.STEPS, "torch": torch.__version__}
    key = result_key("gcav", reader, sources, [target], inputs, sites, settings, (), **more)
    if (known := read_result(key)) is not None:
        return {**known, "seconds": time.perf_counter() - start, "cached": True}
    asked = ask(reader, [target], inputs, sources, sites, settings=settings, progress=progress)
    *own, pool = [
        record_concept(reader, source, sites, asked.apart, one_class=place == len(concepts), progress=progress)
        for place, source in enumerate(sources)
    ]
    question = asked.question
    gradients = question.gradients[target.name]
    found = fuse(own, pool, gradients, question.groups, question.layers, question.sites, seed=seed, progress=progress)
    notes = list(asked.notes)
    if (independent := len(np.unique(question.groups))) < FEWEST:
        notes.append(
            f"Of the inputs only {independent} are independent, too few to be halved ({FEWEST} are needed): their rows"
            " were, so that variants of one input stand on both sides."
        )
    result = {"target": target.name, **found.to_json(), "notes": notes}
    write_result(key, result)
    return {**result, "seconds": time.perf_counter() - start, "cached": False}
