"""What an engine offers: a team of workers, each of which holds the model and does pieces of work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from core.progress import Listener
from core.versions import release

if TYPE_CHECKING:
    from core.models import Model

# Loads the model; a plain call that can be sent to another process, such as partial(open_model, "smollm2").
Opener = Callable[[], "Model"]

# What has to be the same everywhere, or numbers would differ by who computed them.
LIBRARIES = ("torch", "transformers", "numpy", "scikit-learn")


@dataclass
class Holder:
    """What a worker holds while it does pieces. The model is loaded by the first one that asks for it.

    given: what came with the team, the same for all pieces. shared: whether this process sees the workspace of the one
    that asks. kept: what pieces leave for those that come after them.
    """

    opener: Opener
    given: Any = None
    shared: bool = True
    kept: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def model(self) -> Model:
        return self.opener()

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What of this worker decides numbers: plain JSON, equal for all workers of a team."""
        model = self.model
        return {
            "id": model.id,
            "fingerprint": model.fingerprint,
            "device_type": model.device_type,
            "dtype_name": model.dtype_name,
            "width": model.width,
            "blocks": list(model.layout.blocks),
            "libraries": {name: release(name) for name in LIBRARIES},
        }


class Piece(Protocol):
    """Some of the work: a plain value that can be sent, done as often as it has to be with the same outcome."""

    def done_by(self, holder: Holder) -> Any:
        """Raises UserError for what the user can mend."""
        ...


@dataclass(frozen=True)
class Done:
    """A piece that is finished. place: which one. value: its answer. worker: host and process, as `host:pid`."""

    place: int
    value: Any
    worker: str


def in_order(found: Iterator[Done]) -> Iterator[Done]:
    """Answers that come as they end, in the order of their pieces; what comes early waits in memory."""
    waiting: dict[int, Done] = {}
    wanted = 0
    for done in found:
        waiting[done.place] = done
        while wanted in waiting:
            yield waiting.pop(wanted)
            wanted += 1


class Team(Protocol):
    """Workers that stay for many pieces."""

    @property
    def identity(self) -> dict[str, Any]:
        """See Holder; known as soon as one worker has loaded the model."""
        ...

    def run(self, pieces: Sequence[Piece], *, ordered: bool = False) -> Iterator[Done]:
        """Every piece done once; a piece whose worker was lost is done again.

        ordered: in the order of the pieces, which have to be alike then: a worker never runs further ahead than its
        answers can be taken. Otherwise as they end.
        """
        ...


class Engine(Protocol):
    """Where pieces are done."""

    def team(self, opener: Opener, given: Any = None, *, progress: Listener = ...) -> AbstractContextManager[Team]:
        """Workers, for as long as the context lasts."""
        ...
