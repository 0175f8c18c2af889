"""A full disk, a disk that nobody may write to, a clock that is set, and two programs on one workspace."""

from __future__ import annotations

import errno
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from core import jobs, workspace
from core.__main__ import main
from core.dictionaries.index import build
from core.dictionaries.training import run
from core.errors import UserError
from core.models import Model
from core.steering import ready
from tests.killed import contents, finish, start
from tests.killed_work import WORKS


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, whose size is changed by `resize`."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True)
    if made.returncode:
        pytest.skip("no file system of a given size can be made here: that takes the rights of root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def resize(disk: Path, *options: str) -> None:
    subprocess.run(["mount", "-o", ",".join(["remount", *options]), str(disk)], check=True)


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """What the works set is as it was afterwards."""
    for module, name in ((run, "SECONDS"), (build, "SECONDS"), (build, "PATIENCE"), (ready, "known_norm")):
        monkeypatch.setattr(module, name, getattr(module, name))
    return monkeypatch


@pytest.mark.slow
@pytest.mark.parametrize("name", WORKS)
def test_a_full_disk_is_said_and_once_there_is_room_the_work_goes_on(
    name: str, tiny: Model, tmp_path: Path, disk: Path, restored: pytest.MonkeyPatch
) -> None:
    work, there = WORKS[name], tmp_path / "undisturbed"
    finish(work, tiny, there)
    expected = contents(there, work)
    size = sum(path.stat().st_size for path in there.rglob("*") if path.is_file())
    resize(disk, f"size={size // 2}")
    restored.setenv("CONCEPTSCOPE_HOME", str(disk / "home"))
    (disk / "outside").mkdir()
    with pytest.raises(UserError, match="No space left on device"):
        work.run(tiny, disk / "outside")
    resize(disk, f"size={32 * size}")
    finish(work, tiny, disk)
    assert contents(disk, work) == expected
    assert not list(disk.rglob("*.part"))


@pytest.mark.slow
@pytest.mark.parametrize("name", WORKS)
def test_where_nothing_may_be_written_that_is_said(
    name: str, tiny: Model, disk: Path, restored: pytest.MonkeyPatch
) -> None:
    restored.setenv("CONCEPTSCOPE_HOME", str(disk / "home"))
    (disk / "outside").mkdir()
    (disk / "home").mkdir()
    resize(disk, "ro")
    with pytest.raises(UserError, match="Read-only file system"):
        WORKS[name].run(tiny, disk / "outside")


def test_what_is_there_is_read_where_nothing_may_be_written(
    disk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONCEPTSCOPE_HOME", str(disk / "home"))
    workspace.write_json(workspace.place("results", "x.json"), {"a": 1})
    resize(disk, "ro")
    assert workspace.read_json(workspace.place("results", "x.json")) == {"a": 1}
    for command in (["models"], ["directions"]):
        assert main([*command, "--json"]) == 0, capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", WORKS)
def test_two_programs_do_the_same_at_once_and_come_to_the_same(name: str, tiny: Model, tmp_path: Path) -> None:
    work = WORKS[name]
    finish(work, tiny, tmp_path / "undisturbed")
    children = [start(work, tiny, tmp_path / "together") for _ in range(2)]
    ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert 0 in ended, ended  # the other may have been told that somebody else is at it
    finish(work, tiny, tmp_path / "together")
    assert contents(tmp_path / "together", work) == contents(tmp_path / "undisturbed", work)


@pytest.mark.parametrize("process", [True, False])
def test_a_job_that_cannot_be_started_says_so_and_is_not_listed(
    process: bool, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither room for its files (here, a folder stands where its log would) nor for one more process."""
    asked = ["count", "1", "0", str(home / "steps")]
    if process:

        def refused(*args: object, **options: object) -> None:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

        monkeypatch.setattr(subprocess, "Popen", refused)
    else:
        workspace.place("jobs", jobs.job_id(asked), "log.txt", "x")
    with pytest.raises(UserError, match="'Counting' could not be started: "):
        jobs.start(asked, "Counting")
    assert jobs.jobs() == []


def test_a_job_is_known_to_run_after_the_clock_was_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MODULE", "tests.fake_command")
    job = jobs.start(["count", "600", "0.05", str(home / "steps")], "x")
    now, made = time.time, psutil.Process.create_time
    monkeypatch.setattr(time, "time", lambda: now() + 86_400)
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: made(process) + 86_400)
    assert jobs.get(job.id).state == "running"
    assert (
        jobs.start(["count", "600", "0.05", str(home / "steps")], "x").started == job.started
    )  # it is not begun a second time
    jobs.cancel(job.id)
    assert jobs.get(job.id).state == "cancelled"
