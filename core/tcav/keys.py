"""What every result of this room is kept under."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from core import versions, workspace
from core.examples.bundled import version
from core.models import Site
from core.tcav.analysis import Settings
from core.tcav.controls import digests_of
from core.tcav.disjoint import Inputs
from core.tcav.reader import Reader
from core.tcav.sources import Labelled, Source
from core.tcav.targets import Target


def result_key(
    result: str,
    reader: Reader,
    sources: Sequence[Source],
    targets: Sequence[Target],
    inputs: Inputs,
    sites: Sequence[Site],
    settings: Settings,
    controls: Sequence[Labelled],
    **more: Any,
) -> str:
    """Hashes everything that changes the numbers; what changes activations is in the keys of the inputs' stores."""
    if inputs.cut:  # what they were before decides which examples fall away
        more["whole"] = reader.corpus(inputs.whole)
    return workspace.digest(
        {
            "result": result,
            "reader": reader.identity(),
            "recipes": reader.keys(inputs.items, sites),
            "inputs": inputs.groups.tolist(),
            "concepts": [[one.name, reader.corpus(one.items), one.y.tolist(), one.groups.tolist()] for one in sources],
            "targets": [[target.name, target.to_json()] for target in targets],
            "settings": asdict(settings),
            "controls": digests_of(controls),
            "bundled sets": version(),
            "scikit-learn": versions.version("scikit-learn"),
            **more,
        }
    )
