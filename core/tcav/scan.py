"""The scan: all sets of texts, or of images, at hand, recorded where they were not yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
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
from core.tcav.disjoint import Inputs, Item
from core.tcav.keys import result_key
from core.tcav.reader import Reader, Reading
from core.tcav.readers import reader_of, require_open, sites_of
from core.tcav.recorded import record_concept
from core.tcav.scanning import rank_concepts
from core.tcav.sources import Labelled, Source, source_of
from core.tcav.targets import Target

if TYPE_CHECKING:
    from core.models import AnyModel, ImageModel, Site

VERSION = 2  # raised when the numbers change: part of the key of every stored result
ROWS = 120  # of each set, half of them positives, unless the user says otherwise

# Concepts of sources in their order, at sites, apart from the inputs; a reason stands for one that cannot be used.
Recorder = Callable[["Reader", "Sequence[Source]", "Sequence[Site]", "Sequence[Item]"], "Iterator[Concept | UserError]"]


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
    recorder: Recorder | None = None,
    progress: Listener = silent,
) -> dict[str, Any]:
    """`concepts` ranked for one target at the residual stream after `layer`: {"results", "notes", "seconds", "cached"}.

    controls: sets that stand for other concepts beside those that are ranked, where these are few. A set of which too
    few rows can be used is left out and named in the notes. recorder: who records the sets, by default this process.
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
    for number, found in enumerate((recorder or _here)(reader, sources, sites, asked.apart)):
        progress(Progress(number + 1, len(sources), "sets", f"recording {len(sources)} sets"))
        if isinstance(found, UserError):
            notes.append(str(found))
        else:
            recorded.append(found)
    if not recorded:
        raise UserError(f"None of the {len(sources)} sets can be used: {notes[-1]}")
    pushing = pusher(reader, [target], asked, sites, pushed, settings.seed, progress) if pushed else None
    others = record_controls(reader, controls, sites, asked.apart, progress=progress)
    ranked = rank_concepts(recorded, asked.question, settings, controls=others, pushing=pushing, progress=progress)
    result = {"results": [one.to_json() for one in ranked], "notes": notes}
    write_result(key, result)
    return {**result, "seconds": time.perf_counter() - start, "cached": False}


def _here(
    reader: Reader, sources: Sequence[Source], sites: Sequence[Site], items: Sequence[Item]
) -> Iterator[Concept | UserError]:
    for source in sources:
        try:
            yield record_concept(reader, source, sites, items)
        except UserError as reason:
            yield reason
