"""The inside of a job: runs one command line, tells how far it is and how it ended.

`python -m core.job_process ID MODULE ARGUMENTS...` is what core.jobs starts.
"""

from __future__ import annotations

import hashlib
import os
import runpy
import sys
import time
import traceback
from collections import deque
from pathlib import Path

from core.errors import UserError
from core.job_turns import turn
from core.progress import Listener, Progress, silent
from core.workspace import checked_name, place, write_json

PROGRESS_EVERY = 0.4  # seconds; a page looks about once a second
RATE_OVER = 20.0  # seconds over which the rate is taken: long enough to be steady, short enough to follow


def folder_of(id: str) -> Path:
    """Where all that is known of the job lies."""
    return place("jobs", checked_name(id))


def listener() -> Listener:
    """What the command line reports its progress to: the job's `progress.json` inside a job, else nothing."""
    id = os.environ.get("CONCEPTSCOPE_JOB")
    return _Writer(folder_of(id) / "progress.json") if id else silent


class _Writer:
    """Writes progress to a file now and then, with its rate over the last seconds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = 0.0
        self.step: tuple[str, str, int] | None = None
        self.seen: deque[tuple[float, int]] = deque()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        step = (progress.note, progress.unit, progress.total)
        new_step = step != self.step
        if new_step:
            self.step = step
            self.seen.clear()
        self.seen.append((now, progress.done))
        while len(self.seen) > 2 and self.seen[1][0] < now - RATE_OVER:
            self.seen.popleft()
        last = 0 < progress.total <= progress.done
        if not (new_step or last or now - self.written >= PROGRESS_EVERY):
            return
        self.written = now
        (then, before), (_, after) = self.seen[0], self.seen[-1]
        rate = (after - before) / (now - then) if now > then else 0.0
        fields = {"done": progress.done, "total": progress.total, "unit": progress.unit, "note": progress.note}
        write_json(self.path, {**fields, "rate": rate, "at": time.time()})


def run(id: str, module: str, arguments: list[str]) -> int:
    """Run the module's command line in this process, then note how it ended. Returns its exit status."""
    sys.argv = [module, *arguments, "--json"]
    status = 0
    try:
        with turn(listener()):
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except UserError as error:  # of waiting for a turn, or of telling how far it is
        status = 2
        print(" ".join(str(error).split()), file=sys.stderr)
    except BaseException:  # noqa: BLE001  the log is the only place to tell
        status = 1
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    said = hashlib.sha256((folder_of(id) / "result.json").read_bytes()).hexdigest()
    write_json(folder_of(id) / "outcome.json", {"exit": status, "ended": time.time(), "result": said})
    return status


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2], sys.argv[3:]))
