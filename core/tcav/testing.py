"""TCAV: examples in, verdicts out, whether they are texts or images."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.activations import read_result, write_result
from core.errors import UserError
from core.progress import Listener, silent
from core.tcav.analysis import Settings, analyse
from core.tcav.asking import PUSHED, ask, pusher
from core.tcav.concept import ENOUGH, Concept
from core.tcav.controls import record_controls
from core.tcav.disjoint import Inputs
from core.tcav.keys import result_key
from core.tcav.reader import Reader, Reading
from core.tcav.readers import reader_of, require_open, sites_of
from core.tcav.recorded import record_concept
from core.tcav.sources import Labelled, Source, source_of
from core.tcav.sources import Pool as Negatives
from core.tcav.targets import Target

if TYPE_CHECKING:
    from core.models import AnyModel, ImageModel, Site

VERSION = 3  # raised when the numbers change: part of the key of every stored result


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
    model: AnyModel | ImageModel,
    concepts: Sequence[Labelled],
    targets: Sequence[Target],
    inputs: Inputs,
    layers: Sequence[int | str],
    *,
    negatives: Negatives | None = None,
    settings: Settings | None = None,
    reading: Reading | None = None,
    controls: Sequence[Labelled] = (),
    pushed: int = PUSHED,
    compute: bool = True,
    progress: Listener = silent,
) -> Tcav:
    """Does the model's answer depend on each concept, at the residual stream or feature map after each of `layers`?

    concepts, inputs, negatives, controls: texts for a model of texts, images for one of images. negatives: a pool for
    all concepts; by default each set's own. controls: sets that stand for other concepts, 40 at the least for a verdict
    about specificity. pushed: on how many inputs real pushes are measured; 0 for none. The result is kept in the
    workspace; the same call again reads it from there, and then the model need not be open.
    compute: False raises NotOpened where it would have to be computed.
    """
    start = time.perf_counter()
    settings, reader = settings or Settings(), reader_of(model, reading)
    if not concepts or not targets:
        raise UserError("TCAV needs at least one concept and one target.")
    sites = sites_of(model, layers)
    sources = [source_of(one, negatives) for one in concepts]
    key = _key(reader, sources, targets, inputs, sites, settings, controls, pushed)
    if (known := read_result(key)) is not None:
        seconds = time.perf_counter() - start
        return Tcav(tuple(known["results"]), tuple(known["notes"]), seconds, cached=True)
    require_open(model, compute=compute)
    asked = ask(reader, targets, inputs, sources, sites, settings=settings, progress=progress)
    recorded = [record_concept(reader, source, sites, asked.apart, progress=progress) for source in sources]
    others = record_controls(reader, controls, sites, asked.apart, progress=progress)
    cells = analyse(
        recorded,
        asked.question,
        settings,
        controls=others,
        pushing=pusher(reader, targets, asked, sites, pushed, settings.seed, progress) if pushed else None,
        progress=progress,
    )
    results, notes = tuple(cell.to_json() for cell in cells), (*asked.notes, *advice(recorded))
    write_result(key, {"results": list(results), "notes": list(notes)})
    return Tcav(results, notes, time.perf_counter() - start, cached=False)


def key_of(
    model: AnyModel | ImageModel,
    concepts: Sequence[Labelled],
    targets: Sequence[Target],
    inputs: Inputs,
    layers: Sequence[int | str],
    *,
    negatives: Negatives | None = None,
    settings: Settings | None = None,
    reading: Reading | None = None,
    controls: Sequence[Labelled] = (),
    pushed: int = PUSHED,
) -> str:
    """Under which `tcav` keeps its result for the same arguments."""
    sources = [source_of(one, negatives) for one in concepts]
    reader, settings = reader_of(model, reading), settings or Settings()
    return _key(reader, sources, targets, inputs, sites_of(model, layers), settings, controls, pushed)


def _key(
    reader: Reader,
    sources: Sequence[Source],
    targets: Sequence[Target],
    inputs: Inputs,
    sites: Sequence[Site],
    settings: Settings,
    controls: Sequence[Labelled],
    pushed: int,
) -> str:
    return result_key(
        "tcav", reader, sources, targets, inputs, sites, settings, controls, pushed=pushed, version=VERSION
    )


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
