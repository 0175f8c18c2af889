"""A TCAV scan by an engine: the reference and the sets are recorded by workers, the ranking is done here.

Gradients at the inputs, typical norms, permutations and pushes stay with the asking process, whose model they need.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from core.activations.reference import LENGTH
from core.engines.indexing import check_alike
from core.engines.recording import Asked, record_by
from core.engines.team import Engine, Holder, Opener, Team, in_order
from core.errors import UserError
from core.examples import reference_texts
from core.models import Model, NotOpened, Site
from core.progress import Listener, silent
from core.tcav import Inputs, Reading, Settings, Target
from core.tcav.concept import Concept
from core.tcav.reader import Reader
from core.tcav.readers import reader_of
from core.tcav.recorded import record_concept
from core.tcav.scan import scan
from core.tcav.sources import Labelled, Source


def scan_on(
    engine: Engine,
    opener: Opener,
    model: Model,
    concepts: Sequence[Labelled],
    target: Target,
    inputs: Inputs,
    layer: int,
    *,
    settings: Settings | None = None,
    reading: Reading | None = None,
    pushed: int,
    progress: Listener = silent,
) -> dict[str, Any]:
    """As `core.tcav.scan.scan` of sets of texts, which the workers of `engine` record.

    model: the same as `opener` opens, in this process.
    """
    settings, reading = settings or Settings(), reading or Reading()
    asked: dict[str, Any] = {"settings": settings, "reading": reading, "pushed": pushed, "progress": progress}
    with suppress(NotOpened):  # it was not computed before
        return scan(model, concepts, target, inputs, layer, compute=False, **asked)
    with engine.team(opener, reading, progress=progress) as team:
        check_alike(team, model)

        def recorder(
            reader: Reader, sources: Sequence[Source], sites: Sequence[Site], items: Sequence[Any]
        ) -> Iterator[Concept | UserError]:
            norms = tuple(reader.sink_norms(sites, progress))
            pieces = [ConceptPiece(source, tuple(sites), tuple(items), norms) for source in sources]
            for done in in_order(team.run(pieces)):
                yield UserError(done.value) if isinstance(done.value, str) else done.value

        if any(kind.whitened for kind in settings.chosen):
            record_reference(team, layer, reading, progress)
        return scan(model, concepts, target, inputs, layer, recorder=recorder, **asked)


def record_reference(team: Team, layer: int, reading: Reading, progress: Listener) -> None:
    """The texts that covariances are taken from, by the team if it sees the workspace; else by whoever needs them."""
    if all(done.value for done in team.run([Sees()])):
        asked = Asked((layer,), pool=reading.pool, max_length=LENGTH)
        record_by(team, asked, reference_texts(), progress=progress)


@dataclass(frozen=True)
class Sees:
    """Whether a worker sees the workspace."""

    def done_by(self, holder: Holder) -> bool:
        return holder.shared


@dataclass(frozen=True, eq=False)
class ConceptPiece:
    """One set. items: of the inputs, which it has to be apart from. norms: the sites' typical norms."""

    source: Source
    sites: tuple[Site, ...]
    items: tuple[Any, ...]
    norms: tuple[float, ...]

    def done_by(self, holder: Holder) -> Concept | str:
        """The concept, or why there is none."""
        reader = reader_of(holder.model, holder.given)
        try:
            return record_concept(reader, self.source, self.sites, self.items, norms=self.norms)
        except UserError as reason:
            return str(reason)
