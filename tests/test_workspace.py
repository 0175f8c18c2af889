"""Files appear whole or not at all, and only inside the workspace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import workspace
from core.errors import UserError


def test_a_failed_write_leaves_the_old_file_and_nothing_else(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workspace.place("results", "x.json")
    workspace.write_json(path, {"a": 1})

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(UserError, match="No space"):
            workspace.write_json(path, {"a": 2})
    assert workspace.read_json(path) == {"a": 1}
    assert [one.name for one in path.parent.iterdir()] == ["x.json"]
    assert list((home / workspace.PARTS).iterdir()) == []


def test_what_a_killed_program_left_is_cleared_and_what_a_living_one_writes_is_not(home: Path) -> None:
    folder = workspace.home() / workspace.PARTS
    folder.mkdir()
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    node = os.uname().nodename
    for pid in (dead.stdout.decode().strip(), str(os.getpid())):
        (folder / f"{node}~{pid}~abc.part").write_text("half")
    (folder / "elsewhere~1~abc.part").write_text("another machine's")
    workspace.clear_parts()
    assert sorted(one.name for one in folder.iterdir()) == sorted(
        [f"{node}~{os.getpid()}~abc.part", "elsewhere~1~abc.part"]
    )


@pytest.mark.parametrize("parts", [("..", "x"), ("results", "..", "..", "x"), ("/etc/passwd",)])
def test_paths_that_leave_the_workspace_are_refused(home: Path, parts: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="outside the workspace"):
        workspace.place(*parts)


def test_a_link_out_of_the_workspace_is_refused(home: Path, tmp_path: Path) -> None:
    (workspace.home() / "out").symlink_to(tmp_path)
    with pytest.raises(UserError, match="outside the workspace"):
        workspace.place("out", "x.json")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "-x", "x" * 65, "a\n", "é", "a b", "\0"])
def test_names_that_are_no_file_names_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="cannot be a name"):
        workspace.checked_name(name)


def test_numbers_that_are_no_json_are_refused(home: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        workspace.write_json(workspace.place("x.json"), {"a": float("nan")})
