"""One view of a concept: how it is looked up, computed and priced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from core.concept.question import Question
from core.progress import Listener

if TYPE_CHECKING:
    from core.concept.question import AnyKind

State = Literal["there", "missing", "failed", "not here"]


@dataclass(frozen=True)
class Part:
    """name: its key in results. title: the question that it answers. watch: one sentence that says what to look at.

    why_not: "" where the view applies, else one sentence that says why it does not. look: what was found before, None
    where it was not computed yet; computes nothing. compute: finds it and keeps it. cost: seconds that this takes,
    roughly, if nothing of it is stored. plain: what was found as JSON values.
    """

    name: str
    title: str
    watch: str
    why_not: Callable[[AnyKind, Question], str]
    look: Callable[[AnyKind, Question], Any]
    compute: Callable[[AnyKind, Question, Listener], Any]
    cost: Callable[[AnyKind, Question], float]
    plain: Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class View:
    """What is known of one part.

    found: the room's own result, None unless it is there. why: one sentence, where it failed or does not apply.
    seconds: what computing it would take, roughly, where it is missing or failed.
    """

    part: Part
    state: State
    found: Any = None
    why: str = ""
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        data = None if self.found is None else self.part.plain(self.found)
        wanted = self.seconds if self.state in ("missing", "failed") else None
        return {"state": self.state, "why": self.why, "seconds_to_compute": wanted, "data": data}
