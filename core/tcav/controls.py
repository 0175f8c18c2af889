"""The control concepts: which bundled sets stand for "other concepts", and their activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core import workspace
from core.activations import read_result, write_result
from core.errors import UserError
from core.examples import Examples, open_examples
from core.examples.bundled import bundled_sets, read_rows, table_digest, version
from core.models import Site
from core.progress import Listener, Progress, silent
from core.tcav.concept import Concept
from core.tcav.disjoint import Item
from core.tcav.image_controls import kin_of
from core.tcav.reader import Reader
from core.tcav.recorded import record_concept
from core.tcav.sources import Labelled, source_of

SETS = 60  # of the 113 binary sets, those with the shortest texts: a seventh of all tokens
ROWS = 120  # of each set, half of them positives


def control_ids(count: int = SETS) -> list[str]:
    """Ids of the `count` bundled binary sets with the fewest characters, in the order of the table."""
    if version() is None:
        return []
    key = workspace.digest({"what": "sizes of bundled sets", "wheel": version(), "table": table_digest()})
    sizes = read_result(key)
    if sizes is None:
        sizes = {}
        for name, one in bundled_sets().items():
            if not name.startswith("shift/"):
                texts = read_rows(one)[0]
                sizes[one.id] = sum(map(len, texts)) / len(texts)
        write_result(key, sizes)
    shortest = set(sorted(sizes, key=lambda id: (sizes[id], id))[:count])
    return [id for id in sizes if id in shortest]


def open_controls(count: int = SETS) -> list[Examples]:
    return [open_examples(id, limit=ROWS) for id in control_ids(count)]


def record_controls(
    reader: Reader,
    controls: Sequence[Labelled],
    sites: Sequence[Site],
    inputs: Sequence[Item],
    *,
    progress: Listener = silent,
) -> list[Concept]:
    """Those of the control sets that hold enough rows apart from the inputs."""
    found = []
    for number, examples in enumerate(controls):
        progress(Progress(number, len(controls), "sets", "control concepts"))
        try:
            source = replace(source_of(examples), kin=kin_of(examples.id))
            found.append(record_concept(reader, source, sites, inputs))
        except UserError:
            continue  # too few rows are left of this one; the others still stand for other concepts
    progress(Progress(len(controls), len(controls), "sets", "control concepts"))
    return found
