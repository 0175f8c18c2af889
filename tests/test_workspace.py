"""Files appear whole or not at all, and only inside the workspace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import spaces, workspace
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
    assert list((home / spaces.PARTS).iterdir()) == []


def test_what_a_killed_program_left_is_cleared_and_what_a_living_one_writes_is_not(home: Path) -> None:
    folder = workspace.home() / spaces.PARTS
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


def test_what_was_left_beside_a_file_elsewhere_is_cleared_when_it_is_written_again(home: Path, tmp_path: Path) -> None:
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    folder = tmp_path / "outside"
    folder.mkdir()
    left = f"{os.uname().nodename}~{dead.stdout.decode().strip()}~abc.part"
    for name in (f".out.gguf~{left}", f".other.gguf~{left}"):
        (folder / name).write_text("half")
    workspace.write_bytes(folder / "out.gguf", b"whole")
    assert sorted(one.name for one in folder.iterdir()) == [f".other.gguf~{left}", "out.gguf"]


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


@pytest.mark.parametrize(
    "value", [{"a": 1.5, "b": ["ä", None]}, {}, [], [1, {"x": 2}], "text", {"json": 1}, {"check": 3}]
)
def test_json_is_read_as_it_was_written_and_no_flipped_bit_is_taken_for_it(home: Path, value: object) -> None:
    path = workspace.place("results", "x.json")
    workspace.write_json(path, value)
    assert workspace.read_json(path) == value
    assert isinstance(json.loads(path.read_bytes()), dict)
    data = path.read_bytes()
    for place in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
        assert workspace.read_json(path) is None, flipped


def test_json_of_another_program_is_taken_as_it_is(home: Path) -> None:
    path = workspace.place("results", "x.json")
    path.write_text('{"a": [1, 2]}')
    assert workspace.read_json(path) == {"a": [1, 2]}
