"""Several pieces of work as one: what is left, and one progress over all of it."""

from __future__ import annotations

from core.progress import Listener, Progress

UNIT = "s of the estimate"
PHASE = 0.6  # share of what is left of a piece that each of its phases takes: how many will come is not known


class Whole:
    """A listener for one piece after another, which passes on how far all of them are.

    Pieces report phase by phase, each from 0 to its own total. Within a piece the share never falls and stays below 1
    until `end`; pieces count by the seconds that they were said to take.
    """

    def __init__(self, costs: dict[str, float], tell: Listener) -> None:
        self._costs = {name: max(1.0, cost) for name, cost in costs.items()}
        self._tell, self._done = tell, 0.0
        self._piece, self._note, self._base, self._share = "", "", 0.0, 0.0

    def begin(self, piece: str, title: str) -> None:
        self._piece, self._title = piece, title
        self._note, self._base, self._share = "", 0.0, 0.0
        self._pass_on("")

    def __call__(self, moment: Progress) -> None:
        if moment.note != self._note:
            self._note, self._base = moment.note, self._share
        if moment.total:
            share = self._base + PHASE * (1 - self._base) * min(1.0, moment.done / moment.total)
            self._share = max(self._share, share)
        self._pass_on(moment.note)

    def end(self) -> None:
        self._done += self._costs[self._piece]
        self._share = 0.0
        self._pass_on("done")

    def _pass_on(self, note: str) -> None:
        total = sum(self._costs.values())
        done = self._done + self._share * self._costs[self._piece]
        said = f"{self._title} {note}".strip()
        self._tell(Progress(round(min(done, total)), round(total), UNIT, said))
