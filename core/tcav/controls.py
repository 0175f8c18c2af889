"""The control concepts: which bundled sets stand for "other concepts", and their activations.

A page asks at every visit whether a result is there, and the name of a result hashes all its controls; so what they are
is kept, and no set is opened before it is recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, overload

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
VERSION = 1  # raised when `open_examples` gives other rows or groups of the same wheel


class ControlSets(Sequence[Examples]):
    """Bundled sets that stand for other concepts, each opened when it is asked for.

    digests: of the sets as `open_controls` gives them, told without opening any. characters: of all their texts.
    """

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = tuple(ids)
        known = known_controls() if self.ids else {}
        self.digests = tuple(str(known[id]["digest"]) for id in self.ids)
        self.characters = sum(int(known[id]["characters"]) for id in self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, place: int) -> Examples: ...

    @overload
    def __getitem__(self, place: slice) -> ControlSets: ...

    def __getitem__(self, place: int | slice) -> Examples | ControlSets:
        return ControlSets(self.ids[place]) if isinstance(place, slice) else _open(self.ids[place])


def controls_key() -> str:
    """Under which the workspace, or what ships with the project, keeps `known_controls`."""
    return workspace.digest(
        {"what": "control sets", "wheel": version(), "table": table_digest(), "rows": ROWS, "version": VERSION}
    )


def known_controls(*, progress: Listener = silent) -> dict[str, dict[str, Any]]:
    """By id, in the order of the table: a set's mean length, and digest and characters of the rows that are used.

    Ten seconds or so to read all sets; from the workspace afterwards.
    """
    key = controls_key()
    found = read_result(key)
    if found is None:
        found = {}
        sets = [one for name, one in bundled_sets().items() if not name.startswith("shift/")]
        for number, one in enumerate(sets):
            progress(Progress(number, len(sets), "sets", "reading the control sets"))
            texts, used = read_rows(one)[0], _open(one.id)
            found[one.id] = {
                "length": sum(map(len, texts)) / len(texts),
                "digest": used.digest,
                "characters": sum(map(len, used.texts)),
            }
        progress(Progress(len(sets), len(sets), "sets", "reading the control sets"))
        write_result(key, found)
    return found


def control_ids(count: int = SETS) -> list[str]:
    """Ids of the `count` bundled binary sets with the fewest characters, in the order of the table."""
    if version() is None:
        return []
    known = known_controls()
    shortest = set(sorted(known, key=lambda id: (known[id]["length"], id))[:count])
    return [id for id in known if id in shortest]


def open_controls(count: int = SETS) -> ControlSets:
    """The `count` sets of `control_ids`, 120 rows each."""
    return ControlSets(control_ids(count))


def digests_of(controls: Sequence[Labelled]) -> list[str]:
    """Of each control; no bundled one is opened for it."""
    return list(controls.digests) if isinstance(controls, ControlSets) else [one.digest for one in controls]


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


def _open(id: str) -> Examples:
    return open_examples(id, limit=ROWS)
