"""Long work: a process of its own that runs the same command line as a person would.

A job outlives the page that started it and the server behind that page. All that is known of it lies in
`jobs/<id>/` of the workspace, so that any process can ask: `job.json` (what and by which process),
`progress.json` (how far), `result.json` (the command's standard output), `log.txt` (its standard error)
and, once it has ended by itself, `outcome.json` (its exit status). The id is made from the arguments: the
same work is the same job, and is never started twice at once. Whatever a command has stored it finds again,
so resuming a job is running it once more.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core import spaces
from core.errors import UserError
from core.job_process import folder_of, listener
from core.job_turns import EACH, setting
from core.locks import held
from core.processes import born, lives
from core.progress import Progress
from core.workspace import checked_name, digest, place, read_json, shared, write_json

__all__ = [
    "Job",
    "State",
    "cancel",
    "find",
    "get",
    "job_id",
    "jobs",
    "listener",
    "log_tail",
    "remove",
    "resume",
    "start",
]

State = Literal["running", "done", "failed", "cancelled", "stopped"]

MODULE = "core"  # whose command line a job runs
GRACE = 5.0  # seconds between asking a process to end and ending it

_children: dict[int, subprocess.Popen[bytes]] = {}  # kept to reap them: a zombie looks alive


@dataclass(frozen=True)
class Job:
    """What is known of a job now.

    started: seconds since the epoch. rate: progress units per second over the last 20 s, None while unknown.
    seconds_left: for the present step of the work, None while unknown. result: the command's JSON, once done.
    error: one sentence, once failed. "stopped" means that the process is gone without a word; resume it.
    """

    id: str
    title: str
    arguments: tuple[str, ...]
    state: State
    started: float
    progress: Progress | None = None
    rate: float | None = None
    seconds_left: float | None = None
    ended: float | None = None
    result: dict[str, Any] | None = None
    error: str | None = None


def job_id(arguments: Sequence[str]) -> str:
    """The id of the job that runs `arguments`."""
    if not arguments:
        raise UserError("A job needs a command to run.")
    return checked_name(f"{arguments[0]}-{digest(list(arguments))[:16]}")


def start(arguments: Sequence[str], title: str) -> Job:
    """Run `python -m core ARGUMENTS --json` in a session of its own; the job that already does so is returned as is.

    Raises UserError if it cannot be started, or if on a server this user has as many as one may have.
    """
    id = job_id(arguments)
    # Where users share a server, one at a time of each is counted and started: else two tabs are one job too many.
    with held("jobs", ".starting.lock") if spaces.space() else nullcontext(), _locked(id):
        job = find(id)
        if job is not None and job.state == "running":
            return job
        if spaces.space() and sum(one.state == "running" for one in jobs()) >= setting(EACH):
            raise UserError(f"You have {setting(EACH)} jobs that run or wait; cancel one, or wait until one has ended.")
        try:
            _launch(id, list(arguments), title)
        except OSError as error:  # a full disk, no room for one more process
            raise UserError(f"{title!r} could not be started: {error.strerror or error}.") from error
    return get(id)


def jobs() -> list[Job]:
    """All jobs, the latest first."""
    found = (find(path.parent.name) for path in place("jobs", "any").parent.glob("*/job.json"))
    return sorted((job for job in found if job), key=lambda job: -job.started)


def find(id: str) -> Job | None:
    """The job, or None if there is none of this id."""
    folder = folder_of(id)
    note = read_json(folder / "job.json")
    if not isinstance(note, dict):
        return None
    outcome = read_json(folder / "outcome.json")
    if outcome is None and not _alive(note):
        outcome = read_json(folder / "outcome.json")  # it may have ended between the two looks
        if outcome is None:
            return _job(note, "cancelled" if note.get("cancelled") else "stopped", folder)
    if outcome is None:
        return _job(note, "running", folder)
    if outcome["exit"] == 0:
        result = _result(folder, outcome.get("result"))
        if isinstance(result, dict):
            return _job(note, "done", folder, ended=outcome["ended"], result=result)
    return _job(note, "failed", folder, ended=outcome["ended"], error=_error(folder, outcome["exit"]))


def get(id: str) -> Job:
    """The job of this id; UserError if there is none."""
    job = find(id)
    if job is None:
        raise UserError(f"There is no job {id!r}; it may have been removed.")
    return job


def cancel(id: str) -> Job:
    """End a running job: asked first, made to after a few seconds. What it has stored stays."""
    with _locked(id):
        folder = folder_of(id)
        note = read_json(folder / "job.json")
        if get(id).state != "running" or not isinstance(note, dict):
            return get(id)
        with suppress(UserError):  # a full disk must not keep what fills it alive
            write_json(folder / "job.json", {**note, "cancelled": True})
        for signal_ in (signal.SIGTERM, signal.SIGKILL):
            if not _alive(note):
                break
            with suppress(ProcessLookupError):  # it may end by itself just now
                os.killpg(note["pid"], signal_)  # the job leads its own group: helpers of it end too
            deadline = time.monotonic() + GRACE
            while _alive(note) and time.monotonic() < deadline:
                time.sleep(0.02)
    return get(id)


def resume(id: str) -> Job:
    """Run a job that has ended, in whatever way, once more with the same arguments."""
    job = get(id)
    return start(job.arguments, job.title)


def remove(id: str) -> None:
    """Forget a job that is not running. What it stored (activations, results) stays."""
    with _locked(id):
        job = find(id)
        if job is not None and job.state == "running":
            raise UserError(f"{job.title!r} is still running; cancel it before removing it.")
        shutil.rmtree(folder_of(id), ignore_errors=True)


def log_tail(id: str, lines: int = 30) -> str:
    """The last lines that the job wrote to standard error."""
    path = folder_of(id) / "log.txt"
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 65_536))
        text = file.read().decode("utf-8", errors="replace")
    return "\n".join(text.replace("\r", "\n").splitlines()[-lines:])


@contextmanager
def _locked(id: str) -> Iterator[None]:
    """Hold the right to start or end this job, against all threads and processes."""
    with held("jobs", f".{checked_name(id)}.lock"):
        yield


def _launch(id: str, arguments: list[str], title: str) -> None:
    folder = folder_of(id)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("outcome.json", "progress.json", "result.json"):
        (folder / name).unlink(missing_ok=True)
    root = str(Path(__file__).resolve().parent.parent)
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    surroundings = {
        **os.environ,
        "CONCEPTSCOPE_JOB": id,
        "CONCEPTSCOPE_HOME": str(shared()),
        spaces.VARIABLE: spaces.space(),  # the job reads and writes as the one who started it
        "PYTHONPATH": os.pathsep.join(paths),
    }
    with (folder / "result.json").open("wb") as out, (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "core.job_process", id, MODULE, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=log,
            env=surroundings,
            start_new_session=True,  # the server's end, or Ctrl-C in its terminal, is not the job's
        )
    _children[process.pid] = process
    note = {"id": id, "title": title, "arguments": arguments, "started": time.time()}
    try:
        write_json(folder / "job.json", {**note, "pid": process.pid, "born": born(process.pid)})
    except BaseException:  # what no list shows, nobody could end
        os.killpg(process.pid, signal.SIGKILL)
        raise


def _result(folder: Path, sha256: str | None) -> Any:
    """What the command printed; None if that is no longer what it was."""
    path = folder / "result.json"
    if sha256 is not None and path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        return None
    return read_json(path)


def _alive(note: dict[str, Any]) -> bool:
    child = _children.get(note["pid"])
    if child is not None and child.poll() is not None:
        _children.pop(note["pid"], None)
    return lives(note["pid"], note["born"])


def _job(note: dict[str, Any], state: State, folder: Path, **more: Any) -> Job:
    job = {key: note[key] for key in ("id", "title", "started")}
    seen = read_json(folder / "progress.json")
    if isinstance(seen, dict):
        more["progress"] = Progress(seen["done"], seen["total"], seen["unit"], seen["note"])
        if seen["rate"] > 0 and state == "running":
            more["rate"] = seen["rate"]
            if seen["total"]:
                left = (seen["total"] - seen["done"]) / seen["rate"] - (time.time() - seen["at"])
                more["seconds_left"] = max(0.0, left)
    return Job(**job, arguments=tuple(note["arguments"]), state=state, **more)


def _error(folder: Path, status: int) -> str:
    lines = [line.strip() for line in log_tail(folder.name, 5).splitlines() if line.strip()]
    if status == 2 and lines:
        return lines[-1].removeprefix("error: ")
    if status == 0:
        return "The command ended without a result; see the log."
    return f"The command failed with exit status {status}; see the log."
