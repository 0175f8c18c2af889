"""What tests of engines ask of workers: pieces that tell on themselves, and texts and sets that fall into many."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.activations import Store
from core.engines import Done, Holder, Piece, Team
from core.errors import UserError

TEXTS = [f"Number {n}: the {'very ' * (n % 23)}long film about the river was good, or bad." for n in range(2600)]


def contents(store: Store) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(store.path.iterdir())}


@dataclass(frozen=True)
class Logged:
    """A piece that says in a file when it begins and when it is done, and takes its time in between."""

    piece: Any
    place: int
    log: str
    seconds: float = 0.0

    def done_by(self, holder: Holder) -> Any:
        self._say("begun")
        time.sleep(self.seconds)
        value = self.piece.done_by(holder)
        self._say("ended")
        return value

    def _say(self, what: str) -> None:
        with Path(self.log).open("a") as file:
            file.write(f"{what} {self.place} {os.getpid()}\n")


@dataclass(frozen=True)
class Log:
    """What `Logged` pieces wrote."""

    lines: tuple[tuple[str, int, int], ...]

    @staticmethod
    def of(path: Path) -> Log:
        rows = (line.split() for line in path.read_text().splitlines())
        return Log(tuple((what, int(place), int(pid)) for what, place, pid in rows))

    def times(self, what: str) -> Counter[int]:
        return Counter(place for said, place, _ in self.lines if said == what)

    def pids(self, place: int) -> list[int]:
        return [pid for said, at, pid in self.lines if (said, at) == ("begun", place)]

    def underway(self) -> list[tuple[int, int]]:
        """(place, pid) of pieces that have begun and not ended."""
        ended = {(place, pid) for said, place, pid in self.lines if said == "ended"}
        return [(place, pid) for said, place, pid in self.lines if said == "begun" and (place, pid) not in ended]


class Watched:
    """A team whose pieces are logged; after the first answer `then` is called with the log so far."""

    def __init__(self, team: Team, log: Path, seconds: float, then: Any) -> None:
        self._team, self._log, self._seconds, self._then = team, log, seconds, then
        self.identity = team.identity

    def run(self, pieces: Sequence[Piece], *, ordered: bool = False) -> Iterator[Done]:
        if len(pieces) == 1:
            yield from self._team.run(pieces)
            return
        logged = [Logged(piece, place, str(self._log), self._seconds) for place, piece in enumerate(pieces)]
        for number, done in enumerate(self._team.run(logged, ordered=ordered)):
            if number == 0:
                self._then(Log.of(self._log))
            yield done


@dataclass(frozen=True)
class Kills:
    """A piece that ends its worker, as the kernel does where memory runs out, unless that was done `times` times."""

    log: str
    times: int

    def done_by(self, holder: Holder) -> int:
        del holder
        path = Path(self.log)
        before = len(path.read_text()) if path.exists() else 0
        if before < self.times:
            with path.open("a") as file:
                file.write("x")
            os.kill(os.getpid(), 9)
        return before


@dataclass(frozen=True)
class Refuses:
    """A piece that cannot be done."""

    def done_by(self, holder: Holder) -> None:
        del holder
        raise UserError("This text cannot be read.")


@dataclass(frozen=True)
class Meets:
    """A piece that waits until so many workers are at pieces like it, and answers how many were."""

    folder: str
    workers: int
    seconds: float  # after which it waits no more

    def done_by(self, holder: Holder) -> int:
        del holder
        folder = Path(self.folder)
        folder.mkdir(exist_ok=True)
        (folder / str(os.getpid())).touch()
        limit = time.monotonic() + self.seconds
        while len(list(folder.iterdir())) < self.workers and time.monotonic() < limit:
            time.sleep(0.05)
        return len(list(folder.iterdir()))
