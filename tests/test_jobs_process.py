"""Jobs against real processes: progress, cancel, kill, resume, one at a time, survival of the starter."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from core import job_process, jobs, spaces
from core.errors import UserError
from core.workspace import read_json, write_json

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONCEPTSCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(jobs, "MODULE", "tests.fake_command")


def wait(id: str, until: Callable[[jobs.Job], bool], seconds: float = 20) -> jobs.Job:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job = jobs.get(id)
        if until(job):
            return job
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {jobs.get(id)}\n{jobs.log_tail(id)}")


def ended(job: jobs.Job) -> bool:
    return job.state != "running"


def pid_of(id: str) -> int:
    return int(read_json(jobs.folder_of(id) / "job.json")["pid"])


def test_a_job_reports_progress_with_rate_and_time_left_and_keeps_its_result(tmp_path: Path) -> None:
    job = jobs.start(["count", "40", "0.05", str(tmp_path / "steps")], "Counting to 40")
    seen = wait(job.id, lambda job: job.rate is not None and job.seconds_left is not None)
    assert seen.state == "running"
    assert seen.progress is not None
    assert (seen.progress.total, seen.progress.unit, seen.progress.note) == (40, "steps", "counting")
    assert 5 < seen.rate <= 21  # one step each 0.05 s, slower on a busy machine
    assert 0 <= seen.seconds_left < 8
    done = wait(job.id, ended)
    assert (done.state, done.result, done.error) == ("done", {"steps": 40}, None)
    assert done.progress.done == 40
    assert done.ended > done.started
    assert [job.id for job in jobs.jobs()] == [job.id]


def test_the_same_work_is_one_job_even_when_started_from_many_threads(tmp_path: Path) -> None:
    arguments = ["count", "30", "0.05", str(tmp_path / "steps")]
    threads = [threading.Thread(target=jobs.start, args=(arguments, "x")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait(jobs.job_id(arguments), ended)
    lines = (tmp_path / "steps").read_text().splitlines()
    assert len(lines) == 30
    assert len({line.split()[1] for line in lines}) == 1  # one process wrote them all


def test_cancel_then_resume_goes_on_where_it_was(tmp_path: Path) -> None:
    job = jobs.start(["count", "40", "0.03", str(tmp_path / "steps")], "x")
    wait(job.id, lambda job: job.progress is not None and job.progress.done > 2)
    pid = pid_of(job.id)
    cancelled = jobs.cancel(job.id)
    assert cancelled.state == "cancelled"
    assert not psutil.pid_exists(pid)
    before = (tmp_path / "steps").read_text()
    again = jobs.resume(job.id)
    assert (again.id, again.state) == (job.id, "running")
    assert wait(job.id, ended).state == "done"
    assert (tmp_path / "steps").read_text().startswith(before)
    assert len((tmp_path / "steps").read_text().splitlines()) == 40


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "GRACE", 0.5)
    job = jobs.start(["stubborn", str(tmp_path / "ready")], "x")
    wait(job.id, lambda _: (tmp_path / "ready").exists())
    assert jobs.cancel(job.id).state == "cancelled"


def test_kill_9_leaves_a_stopped_job(tmp_path: Path) -> None:
    job = jobs.start(["count", "40", "0.03", str(tmp_path / "steps")], "x")
    wait(job.id, lambda job: job.progress is not None)
    os.kill(pid_of(job.id), signal.SIGKILL)
    stopped = wait(job.id, ended)
    assert (stopped.state, stopped.result, stopped.error) == ("stopped", None, None)


def test_a_recycled_pid_is_not_taken_for_the_job(tmp_path: Path) -> None:
    job = jobs.start(["count", "40", "0.03", str(tmp_path / "steps")], "x")
    jobs.cancel(job.id)
    path = jobs.folder_of(job.id) / "job.json"
    note = {**read_json(path), "pid": os.getpid()}  # this very process was born at another time
    write_json(path, note)
    assert jobs.get(job.id).state == "cancelled"
    assert jobs.cancel(job.id).state == "cancelled"  # and nobody is killed


def test_a_users_mistake_gives_its_sentence_and_a_crash_points_to_the_log() -> None:
    mistake = wait(jobs.start(["mistake"], "x").id, ended)
    assert (mistake.state, mistake.error) == ("failed", "'x' is no model; use 'smollm2'.")
    crash = wait(jobs.start(["crash"], "x").id, ended)
    assert crash.state == "failed"
    assert "see the log" in crash.error
    assert "RuntimeError: boom" in jobs.log_tail(crash.id)
    mute = wait(jobs.start(["mute"], "x").id, ended)
    assert mute.state == "failed"
    assert mute.result is None


def test_a_turn_that_cannot_be_waited_for_ends_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setenv("CONCEPTSCOPE_JOBS_AT_ONCE", "many")
    with spaces.within("ada"):
        (job_process.folder_of("one") / "x").parent.mkdir(parents=True)
        (job_process.folder_of("one") / "result.json").touch()
        assert job_process.run("one", "tests.fake_command", ["mute"]) == 2
        assert read_json(job_process.folder_of("one") / "outcome.json")["exit"] == 2
    said = capsys.readouterr().err
    assert said == "CONCEPTSCOPE_JOBS_AT_ONCE is 'many'; it has to be a number of jobs, 1 or more.\n"


def test_a_job_survives_the_death_of_the_process_that_started_it(tmp_path: Path) -> None:
    arguments = ["count", "40", "0.05", str(tmp_path / "steps")]
    script = (
        "import sys, time; from core import jobs; jobs.MODULE = 'tests.fake_command'; "
        f"print(jobs.start({arguments!r}, 'x').id, flush=True); time.sleep(60)"
    )
    starter = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    id = starter.stdout.readline().strip()
    starter.kill()
    starter.wait()
    assert jobs.get(id).state == "running"
    assert wait(id, ended).result == {"steps": 40}


def test_remove_refuses_a_running_job_and_forgets_an_ended_one(tmp_path: Path) -> None:
    job = jobs.start(["count", "40", "0.03", str(tmp_path / "steps")], "Counting")
    with pytest.raises(UserError, match="'Counting' is still running"):
        jobs.remove(job.id)
    jobs.cancel(job.id)
    jobs.remove(job.id)
    assert jobs.jobs() == []
    with pytest.raises(UserError, match="no job"):
        jobs.get(job.id)


@pytest.mark.parametrize("id", ["../directions", "a/b", "", ".hidden"])
def test_an_id_cannot_leave_the_workspace(id: str) -> None:
    with pytest.raises(UserError):
        jobs.get(id)


def test_importing_jobs_is_light() -> None:
    script = (
        "import core.jobs, sys, json; print(json.dumps([m for m in ('torch', 'transformers') if m in sys.modules]))"
    )
    out = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(out.stdout) == []
