"""Whose job runs next, where several people share a server: a few at once, in a fair order.

A job of a user's space waits in its own process until it is its turn. The tickets lie in `turns/` of the workspace, one
a waiting or running job, and are looked through under a lock: next is one of the user who has fewest running, then of
the one who was served longest ago, then the one that was asked for first. Whoever has many jobs waiting holds up
himself. A ticket whose process is gone counts no more. Jobs of the owner's own workspace do not wait.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import spaces
from core.errors import UserError
from core.locks import held
from core.processes import born, lives
from core.progress import Listener, Progress
from core.workspace import place, read_json, write_json

AT_ONCE, EACH = "CONCEPTSCOPE_JOBS_AT_ONCE", "CONCEPTSCOPE_JOBS_EACH"
DEFAULTS = {AT_ONCE: 1, EACH: 5}
LOOK = 0.5  # seconds between looks


@dataclass(frozen=True)
class Ticket:
    """file: its name, which is in the order of asking. space: whose. pid, born: of its process (see
    `core.processes`). running: whether it is its turn."""

    file: str
    space: str
    pid: int
    born: str
    running: bool


def setting(name: str) -> int:
    """AT_ONCE: jobs that run at once; EACH: jobs of one user that run or wait. Raises UserError for no number."""
    told = os.environ.get(name, "").strip()
    if not told:
        return DEFAULTS[name]
    if not told.isascii() or not told.isdigit() or not int(told):
        raise UserError(f"{name} is {told[:20]!r}; it has to be a number of jobs, 1 or more.")
    return int(told)


@contextmanager
def turn(report: Listener) -> Iterator[None]:
    """Wait until this process may work for the present space, and hold the turn meanwhile."""
    own = spaces.space()
    if not own:
        yield
        return
    file, shown = f"{time.time_ns():020d}-{os.getpid()}.json", -1
    ticket = Ticket(file, own, os.getpid(), born(os.getpid()), running=False)
    with _looking() as folder:
        _write(folder, ticket)
    try:
        while (ahead := _ahead(ticket)) is not None:
            if ahead != shown:
                report(Progress(ahead, 0, "jobs before this one", "waiting for its turn"))
                shown = ahead
            time.sleep(LOOK)
        yield
    finally:
        with _looking() as folder:
            (folder / file).unlink(missing_ok=True)


def in_order(tickets: Sequence[Ticket], served: dict[str, float]) -> list[Ticket]:
    """Those that wait, the next first. served: when each space's last turn began."""
    running = Counter(one.space for one in tickets if one.running)
    last, left, found = dict(served), [one for one in tickets if not one.running], []
    while left:
        following = min(left, key=lambda one: (running[one.space], last.get(one.space, 0.0), one.file))
        left.remove(following)
        found.append(following)
        running[following.space] += 1
        last[following.space] = float("inf")
    return found


def _ahead(ticket: Ticket) -> int | None:
    """How many come before it; None once it is its turn, which is noted."""
    with _looking() as folder:
        tickets = _tickets(folder)
        noted: Any = read_json(folder / "served")
        served = {str(key): float(value) for key, value in noted.items()} if isinstance(noted, dict) else {}
        waiting = in_order(tickets, served)
        if ticket not in waiting:  # somebody cleared the folder
            _write(folder, ticket)
            waiting = in_order([*tickets, ticket], served)
        before = waiting.index(ticket)
        running = len(tickets) - len(waiting)
        if before + running >= setting(AT_ONCE):
            return before + running
        _write(folder, Ticket(ticket.file, ticket.space, ticket.pid, ticket.born, running=True))
        with spaces.within(""):
            write_json(folder / "served", {**served, ticket.space: time.time()})
        return None


@contextmanager
def _looking() -> Iterator[Path]:
    with ExitStack() as stack:
        with spaces.within(""):
            stack.enter_context(held("turns", ".lock"))
            folder = place("turns", "x").parent
        yield folder


def _tickets(folder: Path) -> list[Ticket]:
    found = []
    for path in sorted(folder.glob("*.json")):
        value: Any = read_json(path)
        try:
            one = Ticket(path.name, value["space"], int(value["pid"]), str(value["born"]), bool(value["running"]))
        except (TypeError, KeyError, ValueError):
            one = None
        if one is not None and lives(one.pid, one.born):
            found.append(one)
        else:
            path.unlink(missing_ok=True)
    return found


def _write(folder: Path, one: Ticket) -> None:
    with spaces.within(""):
        note = {"space": one.space, "pid": one.pid, "born": one.born, "running": one.running}
        write_json(folder / one.file, note)
