"""The control concepts: which bundled sets stand for "other concepts", and their activations."""

from __future__ import annotations

from collections.abc import Sequence

from core import workspace
from core.activations import Pool, read_result, write_result
from core.errors import UserError
from core.examples import Examples, open_examples
from core.examples.bundled import bundled_sets, read_rows, table_digest, version
from core.models import Model, Site
from core.progress import Listener, Progress, silent
from core.tcav.concept import Concept
from core.tcav.recorded import record_concept
from core.tcav.sources import source_of

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
    model: Model,
    controls: Sequence[Examples],
    sites: Sequence[Site],
    inputs: Sequence[str],
    *,
    pool: Pool = "mean",
    max_length: int = 256,
    progress: Listener = silent,
) -> list[Concept]:
    """Those of the control sets that hold enough rows apart from the inputs."""
    found = []
    for number, examples in enumerate(controls):
        progress(Progress(number, len(controls), "sets", "control concepts"))
        try:
            source = source_of(examples)
            found.append(record_concept(model, source, sites, inputs, pool=pool, max_length=max_length))
        except UserError:
            continue  # too few rows are left of this one; the others still stand for other concepts
    progress(Progress(len(controls), len(controls), "sets", "control concepts"))
    return found
