"""Folders appear whole or not at all, and a program that is killed in between leaves the old one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from core import spaces, workspace
from core.dictionaries import Card, Dictionary, delete_dictionary, open_dictionary, save_dictionary
from core.errors import UserError
from core.models.shelf import list_models, remember
from core.models.source import Source, find_source
from core.steering import delete_folded, list_folded
from core.whole_folders import is_free, mend, mended, remove_folder, whole_folder
from tests.dictionaries import small_sae


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fill(folder: Path, text: str, **more: bool) -> None:
    with whole_folder(folder, **more) as fresh:
        (fresh / "a.txt").write_text(text)
        (fresh / "within").mkdir()
        (fresh / "within" / "b.txt").write_text(text)
        assert not folder.exists() or "a.txt" not in names(folder) or (folder / "a.txt").read_text() != text


@pytest.fixture(params=["in the workspace", "elsewhere"])
def folder(request: pytest.FixtureRequest, home: Path, tmp_path: Path) -> Path:
    return (home / "exports" if request.param == "in the workspace" else tmp_path / "else") / "mine"


def test_it_stands_where_it_should_and_nothing_beside_it(folder: Path) -> None:
    fill(folder, "new")
    assert names(folder) == ["a.txt", "within"]
    assert (folder / "within" / "b.txt").read_text() == "new"
    assert names(folder.parent) == ["mine"]


def test_an_empty_folder_is_taken(folder: Path) -> None:
    folder.mkdir(parents=True)
    fill(folder, "new")
    assert names(folder) == ["a.txt", "within"]


def test_an_exception_leaves_the_old_one(folder: Path, home: Path) -> None:
    fill(folder, "old")

    def stumble() -> None:
        with whole_folder(folder) as fresh:
            (fresh / "a.txt").write_text("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stumble()
    assert (folder / "a.txt").read_text() == "old"
    assert names(folder.parent) == ["mine"]
    assert not (home / spaces.PARTS).exists() or names(home / spaces.PARTS) == []


def test_in_the_workspace_another_takes_its_place(home: Path) -> None:
    folder = home / "exports" / "mine"
    fill(folder, "old")
    fill(folder, "new")
    assert (folder / "a.txt").read_text() == "new"
    assert names(folder.parent) == ["mine"]
    fill(folder, "newer", replace=False)
    assert (folder / "a.txt").read_text() == "new"


def test_elsewhere_nothing_is_ever_moved_away(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "else" / "mine"
    other = tmp_path / "else" / ".mine.old"
    fill(folder, "old")
    other.mkdir()
    with pytest.raises(UserError, match="could not be written: Directory not empty"):
        fill(folder, "new")
    assert (folder / "a.txt").read_text() == "old"
    assert names(folder.parent) == [".mine.old", "mine"]


def test_what_a_killed_program_left_is_cleared_and_what_another_writes_is_not(folder: Path) -> None:
    killed = "import os, signal\nfrom pathlib import Path\nfrom core.whole_folders import whole_folder\n"
    killed += f"with whole_folder(Path({str(folder)!r})) as fresh:\n    (fresh / 'a').write_text('x')\n"
    killed += "    print(fresh, flush=True)\n    os.kill(os.getpid(), signal.SIGKILL)"
    left = Path(subprocess.run([sys.executable, "-c", killed], capture_output=True, text=True).stdout.strip())
    assert left.is_dir()
    assert not folder.exists()
    living = left.with_name(left.name.replace(left.name.split("~")[-2], str(os.getppid())))
    living.mkdir()
    fill(folder, "new")
    assert not left.exists()
    assert living.is_dir()


def test_an_old_one_that_was_moved_aside_is_put_back(home: Path) -> None:
    (home / "exports" / ".mine.old").mkdir(parents=True)
    (home / "exports" / ".other.old").mkdir()
    fill(home / "exports" / "other", "new")
    mend(home / "exports")
    assert names(home / "exports") == ["mine", "other"]


def killed_between(folder: Path) -> None:
    """Replace a folder, and be killed when the old one is aside and the new one not yet in its place."""
    child = os.fork()
    if not child:
        rename = Path.rename

        def dying(path: Path, target: Path) -> Path:
            done = rename(path, target)
            if str(target).endswith(".old"):
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        Path.rename = dying  # type: ignore[assignment, method-assign]
        try:
            fill(folder, "new")
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert not folder.exists()


def test_a_dictionary_that_was_moved_aside_is_there_at_the_first_look(home: Path) -> None:
    made = Dictionary("x", small_sae("gated"), Card())
    key = save_dictionary(made, "one").key
    folder = home / "dictionaries" / "one"
    killed_between(folder)
    assert open_dictionary("one").key == key
    killed_between(folder)
    with pytest.raises(UserError, match="already"):
        save_dictionary(made, "one")
    killed_between(folder)
    delete_dictionary("one")
    with pytest.raises(UserError, match="saved are: "):
        open_dictionary("one")


def test_folded_weights_that_were_moved_aside_are_there_at_the_first_look(home: Path) -> None:
    folder = home / "exports" / "one"
    folder.mkdir(parents=True)
    for name, value in (("edits", {"edits": [], "difference": 0.0}), ("recipe", {"model": "x"}), ("config", {})):
        workspace.write_json(folder / f"{name}.json", value)
    (folder / "model.safetensors").write_bytes(b"")
    remember(Source(str(folder), "local", folder), 2, 8)
    killed_between(folder)
    assert [one.name for one in list_folded()] == ["one"]
    killed_between(folder)
    assert str(folder) in {one.id for one in list_models()}
    killed_between(folder)
    assert find_source(str(folder)).directory == folder
    killed_between(folder)
    delete_folded("one")
    assert names(home / "exports") == []
    assert list_folded() == []


def test_what_was_moved_aside_does_not_come_back_for_what_was_deleted(home: Path) -> None:
    folder = home / "exports" / "one"
    fill(folder, "old")
    killed_between(folder)
    fill(folder, "new")
    (home / "exports" / ".one.old").mkdir()  # of a program that was killed before it had removed it
    remove_folder(folder)
    assert names(home / "exports") == []
    assert not mended(folder).exists()


def test_who_reads_leaves_a_folder_to_a_program_that_is_about_to_replace_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, rename, readers = home / "exports" / "mine", Path.rename, []
    fill(folder, "old")

    def looked_at(path: Path, target: Path) -> Path:
        done = rename(path, target)
        if str(target).endswith(".old"):
            readers.append(Thread(target=mended, args=(folder,)))
            readers[-1].start()
            readers[-1].join(0.3)
        return done

    monkeypatch.setattr(Path, "rename", looked_at)
    fill(folder, "new")
    (reader,) = readers
    reader.join()
    assert (folder / "a.txt").read_text() == "new"
    assert names(folder.parent) == ["mine"]


def test_elsewhere_an_empty_folder_stays_the_one_it_is(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("current", "linked"):
        (tmp_path / name).mkdir()
    before = (tmp_path / "current").stat().st_ino
    (tmp_path / "link").symlink_to("linked")
    monkeypatch.chdir(tmp_path / "current")
    for folder in (Path(), tmp_path / "link"):
        assert is_free(folder)
        with whole_folder(folder) as fresh:
            (fresh / "a.txt").write_text("new")
        assert names(folder) == ["a.txt"]
        assert not is_free(folder)
    assert names(tmp_path / "linked") == ["a.txt"]
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "current").stat().st_ino == before
    left = tmp_path / "half" / f".half~{os.uname().nodename}~999999999~x.part"
    left.mkdir(parents=True)
    assert is_free(tmp_path / "half")
    assert names(tmp_path / "half") == []


def test_elsewhere_a_new_folder_is_for_whom_the_umask_says(home: Path, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        fill(tmp_path / "out", "new")
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o750


def test_it_is_removed_as_a_whole(home: Path) -> None:
    fill(home / "exports" / "mine", "new")
    remove_folder(home / "exports" / "mine")
    assert names(home / "exports") == []
    assert names(home / spaces.PARTS) == []
    with pytest.raises(UserError, match="could not be deleted: No such file"):
        remove_folder(home / "exports" / "mine")
