"""Many sessions write with one model at once: whoever waits for a token computes the next one for all.

Runs stand in a queue, first come first served. At most `ROWS` texts are written together, in one batch: a newcomer's
prompt is read by itself, exactly as if it were alone, and its rows join between two tokens. While others wait for
room, a run that has had `TURN` tokens makes room and goes to the end of the queue, with what it has read so far; so
nobody waits longer than those before it take for a turn each. A run whose reader is gone leaves before the next token.

There is no thread for this: of those who wait for a token, one computes it under the model's lock, and lets go of the
lock before the next, so that whoever else uses the model has a turn in between.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from core.errors import UserError
from core.models.model import Model
from core.steering.decoding import Decoding
from core.steering.generate import Step, step_of
from core.steering.interventions import Intervention
from core.steering.underway import Line, Told, Underway, begin, check

ROWS = 32  # texts that are written together: sixteen sessions with a plain and a steered one each
TURN = 32  # tokens that a run may write while others wait for room
EVERY = 0.25  # seconds after which one who waits is told again how many are before it


@dataclass(frozen=True)
class Waiting:
    """No token yet. ahead: how many runs stand before this one in the queue; None while its token is computed."""

    ahead: int | None


@dataclass(eq=False)
class _Run:
    """What one session wants written. kept: its batch while it is not among the others'; None before its first turn."""

    prompts: Sequence[Sequence[int]]
    rows: Sequence[Sequence[Intervention]]
    decoding: Decoding
    seeds: Sequence[int] | None
    lines: list[Line] = field(default_factory=list)
    kept: Underway | None = None
    told: deque[list[Told]] = field(default_factory=deque)
    turn: int = 0  # tokens since it had room last
    gone: bool = False  # nobody reads it any more
    written: bool = False  # to its last token
    failed: BaseException | None = None


class _Table:
    """Where the runs of one model sit and wait. All of it is changed under `changed`, or by who computes."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.computing = False
        self.queue: list[_Run] = []
        self.running: list[_Run] = []
        self.entering: deque[_Run] = deque()  # those of `running` whose rows did not join yet
        self.batches: deque[Underway] = deque()

    def ahead(self, run: _Run) -> int | None:
        """How many wait before it; None for one that does not wait."""
        return self.queue.index(run) if run in self.queue else None

    def compute(self, model: Model) -> None:
        """Read one newcomer's prompt, or write the next token of one batch. Only who has set `computing` calls it."""
        with self.changed:
            self.clear()
            leaving = self._seat()
        for run in leaving:
            self._set_aside(run)
        if self.entering:
            self._enter(model, self.entering.popleft())
        elif self.batches:
            self._write(self.batches.popleft())
        with self.changed:
            self.running = [run for run in self.running if not run.written and run.failed is None]
            self.clear()

    def clear(self) -> None:
        """Take out all that nobody reads any more. Called under `changed`, while nobody else computes."""
        for run in [run for run in self.running if run.gone]:
            for batch in self.batches:
                batch.drop(run.lines)
        self.batches = deque(batch for batch in self.batches if batch.lines)
        self.entering = deque(run for run in self.entering if not run.gone)
        self.queue = [run for run in self.queue if not run.gone]
        self.running = [run for run in self.running if not run.gone]

    def _seat(self) -> list[_Run]:
        """Let in who has room now. Returns the runs that have to make room."""
        leaving: list[_Run] = []
        while self.queue:
            free = ROWS - sum(_size(run) for run in self.running)
            if self.running and _size(self.queue[0]) > free:
                had = [run for run in self.running if run.turn >= TURN]
                if not had or self.queue[0] in leaving:  # who has just made room does not take it from another
                    break
                longest = max(had, key=lambda run: run.turn)
                self.running.remove(longest)
                self.queue.append(longest)
                leaving.append(longest)
                continue
            run = self.queue.pop(0)
            run.turn = 0
            self.running.append(run)
            self.entering.append(run)
        return leaving

    def _set_aside(self, run: _Run) -> None:
        for batch in list(self.batches):
            if own := [line for line in batch.lines if line in run.lines]:
                run.kept = batch.split(own)
                if not batch.lines:
                    self.batches.remove(batch)

    def _enter(self, model: Model, run: _Run) -> None:
        try:
            if run.kept is None:
                batch = begin(model, run.prompts, run.rows, run.decoding, seeds=run.seeds)
                run.lines = batch.lines
                self._tell([run], batch.step())
            else:
                batch, run.kept = run.kept, None
        except BaseException as error:  # noqa: BLE001 (its reader is told)
            self._fail([run], error)
            return
        into = next((other for other in self.batches if other.movable), None) if batch.lines else None
        if into is None or not batch.movable:
            self.batches.extend([batch] if batch.lines else [])
            return
        try:
            into.join(batch)
        except BaseException as error:  # noqa: BLE001 (no memory, say: what has half changed cannot go on)
            self.batches.remove(into)
            self._fail([run, *self._of(into)], error)

    def _of(self, batch: Underway) -> list[_Run]:
        return [run for run in self.running if any(line in run.lines for line in batch.lines)]

    def _write(self, batch: Underway) -> None:
        runs = self._of(batch)
        try:
            self._tell(runs, batch.step())
        except BaseException as error:  # noqa: BLE001 (their readers are told)
            self._fail(runs, error)
            return
        if batch.lines:
            self.batches.append(batch)

    def _tell(self, runs: list[_Run], told: list[Told]) -> None:
        with self.changed:
            for run in runs:
                if own := [one for one in told if one.line in run.lines]:
                    run.told.append(own)
                    run.turn += 1
                    run.written = all(line.over for line in run.lines)

    def _fail(self, runs: list[_Run], error: BaseException) -> None:
        with self.changed:
            for run in runs:
                run.failed = error
        if not isinstance(error, Exception):
            raise error


def share(
    model: Model,
    prompts: Sequence[Sequence[int]],
    rows: Sequence[Sequence[Intervention]],
    decoding: Decoding,
    *,
    seeds: Sequence[int] | None = None,
    logits: bool = False,
) -> Generator[Step | Waiting, None, None]:
    """As `stream`, in one batch with whatever other threads write with this model. The rows stay together.

    Yields `Waiting` before there is room, and again whenever a token is long in coming. Closing or forgetting the
    iterator takes the rows out before the next token.
    """
    check(model, prompts, rows, decoding)
    if len(rows) > ROWS:
        raise UserError(f"{len(rows)} texts at once are more than {ROWS}; run a sweep for that many.")
    table, run = _table_of(model), _Run(prompts, rows, decoding, seeds)
    with table.changed:
        table.queue.append(run)
    try:
        while (found := _next(table, model, run)) is not None:
            if isinstance(found, Waiting):
                yield found
            else:
                yield step_of(run.lines, found, logits=logits, together=max(1, len(table.running)))
    finally:
        with table.changed:
            run.gone = True
            if not table.computing:  # else who computes sees to it before the next token
                table.clear()


def _next(table: _Table, model: Model, run: _Run) -> list[Told] | Waiting | None:
    """The run's next token, or how many are before it; None when it is written."""
    until = time.monotonic() + EVERY
    tried = False
    while True:
        with table.changed:
            while not (run.told or run.written or run.failed) and table.computing and time.monotonic() < until:
                table.changed.wait(max(0.0, until - time.monotonic()))
            if run.told:
                return run.told.popleft()
            if isinstance(run.failed, UserError):
                raise UserError(str(run.failed))  # one of its own for each reader: several may have failed with it
            if run.failed is not None:
                raise RuntimeError("The texts that were being written together could not go on.") from run.failed
            if run.written:
                return None
            if time.monotonic() >= until and (tried or table.computing):
                return Waiting(table.ahead(run))
            if table.computing:
                continue
            table.computing = tried = True
        try:
            table.compute(model)
        finally:
            with table.changed:
                table.computing = False
                table.changed.notify_all()


def _size(run: _Run) -> int:
    """How many of its rows are still written."""
    return sum(not line.over for line in run.lines) if run.lines else len(run.rows)


_tables: WeakKeyDictionary[Model, _Table] = WeakKeyDictionary()
_making = threading.Lock()


def _table_of(model: Model) -> _Table:
    with _making:
        return _tables.setdefault(model, _Table())
