"""A test taken up again: the arrays behind its result, for what is asked about a cell afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.models import Site
from core.progress import Listener, silent
from core.tcav.analysis import Question, Settings
from core.tcav.asking import ask
from core.tcav.cavs import kind_named
from core.tcav.concept import Concept
from core.tcav.disjoint import Inputs
from core.tcav.entanglement import cav_of
from core.tcav.reader import Reader, Reading
from core.tcav.readers import reader_of, sites_of
from core.tcav.recorded import record_concept
from core.tcav.sources import Labelled, Pool, Source, source_of
from core.tcav.targets import Target

if TYPE_CHECKING:
    from core.models import ImageModel, Model


@dataclass(frozen=True, eq=False)
class Reopened:
    """items: m inputs, those that were used. apart: what no example may be, as in Asked. sources: of
    the concepts. values: target's name -> (m,),
    what the model says before any push.
    """

    reader: Reader
    sites: tuple[Site, ...]
    question: Question
    concepts: tuple[Concept, ...]
    items: tuple[Any, ...]
    apart: tuple[Any, ...]
    sources: tuple[Source, ...]
    values: Mapping[str, np.ndarray]
    settings: Settings

    def at(self, site: int) -> Reopened:
        """The same at one of its sites alone."""
        question = replace(
            self.question,
            layers=(self.question.layers[site],),
            sites=(self.question.sites[site],),
            metrics=(self.question.metrics[site],),
            gradients={target: (found[site],) for target, found in self.question.gradients.items()},
        )
        concepts = tuple(replace(one, X=(one.X[site],)) for one in self.concepts)
        return replace(self, sites=(self.sites[site],), question=question, concepts=concepts)

    def cav(self, concept: int, site: int) -> np.ndarray:
        """The unit CAV (d,) whose scores are shown."""
        kind = kind_named(self.settings.cav)
        return cav_of(self.concepts[concept], site, kind, self.question.metrics[site])

    def derivatives(self, concept: int, site: int, target: str) -> np.ndarray:
        """(m,) how fast the target changes along the CAV on each input; its mean is the cell's mean derivative."""
        gradients = np.asarray(self.question.gradients[target][site], dtype=np.float64)
        return np.asarray(gradients @ self.cav(concept, site))

    def another(
        self,
        examples: Labelled,
        *,
        negatives: Pool | None = None,
        beside: int | None = None,
        progress: Listener = silent,
    ) -> Concept:
        """One more set at the same sites, without rows that are among the inputs.

        beside: number of a concept none of whose rows it may hold either, by content. Raises UserError where too few
        are left.
        """
        taken = self.apart if beside is None else (*self.apart, *self.sources[beside].items)
        return record_concept(self.reader, source_of(examples, negatives), self.sites, taken, progress=progress)


def reopen(
    model: Model | ImageModel,
    concepts: Sequence[Labelled],
    targets: Sequence[Target],
    inputs: Inputs,
    layers: Sequence[int | str],
    *,
    negatives: Pool | None = None,
    settings: Settings | None = None,
    reading: Reading | None = None,
    progress: Listener = silent,
) -> Reopened:
    """What `tcav` made its cells of, with the same arguments; from the store, or recorded where it is not there.

    All concepts, targets and layers of the test count: they decide which inputs and which rows were used.
    """
    settings, reader = settings or Settings(), reader_of(model, reading)
    sites = sites_of(model, layers)
    sources = [source_of(one, negatives) for one in concepts]
    asked = ask(reader, targets, inputs, sources, sites, settings=settings, progress=progress)
    recorded = tuple(record_concept(reader, source, sites, asked.apart, progress=progress) for source in sources)
    return Reopened(
        reader, tuple(sites), asked.question, recorded, asked.items, asked.apart, tuple(sources), asked.values, settings
    )
