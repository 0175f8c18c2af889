"""The scan: all sets of texts, or of images, at hand, recorded where they were not yet."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.activations import read_result, write_result
from core.errors import UserError
from core.examples import catalogue, list_images
from core.progress import Listener, Progress, silent
from core.tcav.analysis import Settings
from core.tcav.asking import PUSHED, ask, pusher
from core.tcav.concept import Concept
from core.tcav.controls import record_controls
from core.tcav.disjoint import Inputs
from core.tcav.keys import result_key
from core.tcav.reader import Reading
from core.tcav.readers import reader_of, require_open, sites_of
from core.tcav.recorded import record_concept
from core.tcav.scanning import rank_concepts
from core.tcav.sources import Labelled, source_of
from core.tcav.targets import Target

if TYPE_CHECKING:
    from core.models import AnyModel, ImageModel

VERSION = 1
ROWS = 120  # of each set, half of them positives, unless the user says otherwise


def concepts_at_hand(*, images: bool = False) -> list[str]:
    """Ids of all sets of texts: the user's saved ones and the bundled binary ones, without those under a shift.

    Of images: all sets that hold positives and negatives.
    """
    if images:
        return [info.id for info in list_images() if info.positives and info.negatives]
    return [info.id for info in catalogue() if info.kind == "text" and "/shift/" not in info.id]


def scan(
    model: AnyModel | ImageModel,
    concepts: Sequence[Labelled],
    target: Target,
    inputs: Inputs,
    layer: int | str,
    *,
    settings: Settings | None = None,
    reading: Reading | None = None,
    controls: Sequence[Labelled] = (),
    pushed: int = PUSHED,
    compute: bool = True,
    progress: Listener = silent,
) -> dict[str, Any]:
    """`concepts` ranked for one target at the residual stream after `layer`: {"results", "notes", "seconds", "cached"}.

    controls: sets that stand for other concepts beside those that are ranked, where these are few. A set of which too
    few rows can be used is left out and named in the notes.
    """
    start = time.perf_counter()
    settings, reader = replace(settings or Settings(), correction="bh"), reader_of(model, reading)
    if not concepts:
        raise UserError("There are no concepts to scan; `make setup` brings the bundled sets.")
    sites = sites_of(model, [layer])
    sources = [source_of(one) for one in concepts]
    key = result_key(
        "scan", reader, sources, [target], inputs, sites, settings, controls, pushed=pushed, version=VERSION
    )
    if (known := read_result(key)) is not None:
        return {**known, "seconds": time.perf_counter() - start, "cached": True}
    require_open(model, compute=compute)
    asked = ask(reader, [target], inputs, sources, sites, settings=settings, progress=progress)
    recorded: list[Concept] = []
    notes = list(asked.notes)
    for number, source in enumerate(sources):
        progress(Progress(number, len(sources), "sets", f"recording {len(sources)} sets"))
        try:
            recorded.append(record_concept(reader, source, sites, asked.items))
        except UserError as reason:
            notes.append(str(reason))
    progress(Progress(len(sources), len(sources), "sets", f"recording {len(sources)} sets"))
    if not recorded:
        raise UserError(f"None of the {len(sources)} sets can be used: {notes[-1]}")
    pushing = pusher(reader, [target], asked, sites, pushed, settings.seed, progress) if pushed else None
    others = record_controls(reader, controls, sites, asked.items, progress=progress)
    ranked = rank_concepts(recorded, asked.question, settings, controls=others, pushing=pushing, progress=progress)
    found = {"results": [one.to_json() for one in ranked], "notes": notes}
    write_result(key, found)
    return {**found, "seconds": time.perf_counter() - start, "cached": False}
