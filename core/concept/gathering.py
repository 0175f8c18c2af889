"""Everything known about one concept in one model: looked up, planned, and computed where it is missing."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from core import workspace
from core.activations import read_result, write_result
from core.activations.costs import OPENING
from core.concept import disagreements
from core.concept.carried import CARRIED
from core.concept.part import Part, View
from core.concept.planning import Whole
from core.concept.pushed import PUSHED
from core.concept.question import Question
from core.concept.readable import READABLE
from core.concept.related import RELATED
from core.concept.stable import STABLE
from core.concept.used import USED
from core.errors import UserError
from core.models import NotOpened
from core.progress import Listener, silent
from core.versions import version

if TYPE_CHECKING:
    from core.concept.question import AnyKind

VERSION = 1
# In the order in which they are shown and computed: what the first has recorded serves the others.
PARTS: dict[str, Part] = {part.name: part for part in (READABLE, USED, CARRIED, PUSHED, RELATED, STABLE)}


@dataclass(frozen=True, eq=False)
class Concept:
    """views: by name, in the order of PARTS. model_id, fingerprint: of the model."""

    model_id: str
    fingerprint: str
    question: Question
    views: dict[str, View]
    hardware: tuple[str, str]

    def found(self, name: str) -> Any:
        """What the room found, None if it is not there."""
        return self.views[name].found

    @property
    def missing(self) -> list[View]:
        """What computing would add."""
        return [view for view in self.views.values() if view.state == "missing"]

    @property
    def failed(self) -> list[View]:
        """What was tried and could not be computed."""
        return [view for view in self.views.values() if view.state == "failed"]

    @property
    def there(self) -> list[View]:
        return [view for view in self.views.values() if view.state == "there"]

    @property
    def seconds(self) -> float:
        """What is missing takes so long, roughly; 0 if nothing is."""
        wanted = [*self.missing, *self.failed]
        return OPENING + sum(view.seconds for view in wanted) if wanted else 0.0

    @cached_property
    def data(self) -> dict[str, Any]:
        """By name what is there, as JSON values; None for what is not."""
        return {name: view.to_json() for name, view in self.views.items()}

    @cached_property
    def disagreements(self) -> dict[str, str]:
        """Sentences, by the name of what disagrees."""
        return disagreements.between({name: view["data"] for name, view in self.data.items()})

    def provenance(self) -> dict[str, Any]:
        """What all of this was made of."""
        examples = self.question.examples
        return {
            "model": self.model_id,
            "fingerprint": self.fingerprint,
            "device": self.hardware[0],
            "dtype": self.hardware[1],
            "question": self.question.to_json(),
            "title": self.question.title,
            "source": examples.source,
            "positives": examples.n_positives,
            "negatives": examples.n_negatives,
            "positive_name": examples.positive_name,
            "negative_name": examples.negative_name,
            "versions": {name: version(name) for name in ("torch", "transformers", "scikit-learn", "numpy")},
        }

    def to_json(self) -> dict[str, Any]:
        return {
            "provenance": self.provenance(),
            "views": self.data,
            "disagreements": [{"name": name, "sentence": one} for name, one in self.disagreements.items()],
        }


def gather(model: AnyKind, question: Question) -> Concept:
    """What is known already; computes nothing, and takes a model that is only known."""
    views = {name: _view(model, question, part) for name, part in PARTS.items()}
    hardware = (model.device_type, model.dtype_name)
    return Concept(model.id, model.fingerprint, question, views, hardware)


def compute_missing(model: AnyKind, question: Question, *, progress: Listener = silent) -> Concept:
    """Compute what is missing, and try again what failed; each part is kept as soon as it is there.

    So work that was stopped goes on with the part that it was in. What cannot be computed is kept as a sentence, and
    does not keep the others from being computed.
    """
    known = gather(model, question)
    wanted = [*known.missing, *known.failed]
    whole = Whole({view.part.name: view.seconds for view in wanted}, progress)
    for view in sorted(wanted, key=lambda view: list(PARTS).index(view.part.name)):
        part = view.part
        whole.begin(part.name, part.title)
        try:
            part.compute(model, question, whole)
        except NotOpened:
            raise
        except UserError as error:
            write_result(_failure_key(model, question, part), {"cannot": str(error)})
        whole.end()
    return gather(model, question)


def _view(model: AnyKind, question: Question, part: Part) -> View:
    if why := part.why_not(model, question):
        return View(part, "not here", why=why)
    try:
        found = part.look(model, question)
    except UserError as error:  # it cannot even be asked, such as an answer that the model has no words for
        return View(part, "not here", why=str(error))
    if found is not None:
        return View(part, "there", found)
    seconds = part.cost(model, question)
    failure = read_result(_failure_key(model, question, part))
    if failure is not None:
        return View(part, "failed", why=str(failure.get("cannot", "")), seconds=seconds)
    return View(part, "missing", seconds=seconds)


def _failure_key(model: AnyKind, question: Question, part: Part) -> str:
    return workspace.digest(
        {
            "what": "a view that could not be computed",
            "version": VERSION,
            "part": part.name,
            "fingerprint": model.fingerprint,
            "device": model.device_type,
            "dtype": model.dtype_name,
            "question": question.to_json(),
        }
    )


def command_line(arguments: Sequence[str]) -> str:
    """The command as it can be typed."""
    return shlex.join(["python", "-m", "core", *arguments])
