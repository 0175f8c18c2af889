"""A user's own images, kept: the same images as were given, by name, and nothing half-kept."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import PIL.Image
import pytest

from core import workspace
from core.errors import UserError
from core.examples import delete_images, list_images, open_images, restore_images, save_images
from core.tcav.scan import concepts_at_hand
from tests.commands import fails, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for kind in ("spots", "other"):
        (tmp_path / "set" / kind / "same").mkdir(parents=True)
        for number in range(3):
            pixels = PIL.Image.fromarray(rng.integers(0, 256, (9, 11, 4), dtype=np.uint8))
            pixels.save(tmp_path / "set" / kind / ("same" if number else "") / f"{number}.png")
    (tmp_path / "set" / "notes.txt").write_text("not an image")
    return tmp_path / "set"


def test_a_saved_set_is_the_folder_wherever_that_goes(home: Path, folder: Path) -> None:
    given = open_images(str(folder), background="black")
    kept = save_images("spots", folder, background="black")
    again = open_images("saved/spots")
    assert kept.digest == again.digest == given.digest
    assert (again.id, again.n_positives, again.n_negatives) == ("saved/spots", 3, 3)
    assert again.groups.tolist() == given.groups.tolist()
    for path in folder.rglob("*.png"):
        path.unlink()
    assert all(np.array_equal(a.load(), b.load()) for a, b in zip(again.images, kept.images, strict=True))
    info = list_images()[0]
    assert (info.id, info.kind, info.positives, info.negatives, info.subject) == ("saved/spots", "image", 3, 3, "saved")
    assert "saved/spots" in concepts_at_hand(images=True)
    assert len(open_images("saved/spots", limit=2)) == 2
    assert len(open_images("patches/saved/spots", limit=4)) == 4


def test_what_is_taken_is_kept_and_what_is_deleted_comes_back(home: Path, folder: Path) -> None:
    first = save_images("one", folder)
    with pytest.raises(UserError, match="already"):
        save_images("one", folder)
    replaced = save_images("one", folder, positive="other", replace=True)
    assert replaced.labels.tolist() == (1 - first.labels).tolist()
    assert open_images("saved/one").labels.tolist() == replaced.labels.tolist()
    delete_images("one")
    assert not any(info.id == "saved/one" for info in list_images())
    with pytest.raises(UserError, match="no saved images"):
        open_images("saved/one")
    with pytest.raises(UserError, match="no saved images"):
        delete_images("one")
    restore_images("one")
    assert open_images("saved/one").digest == replaced.digest
    with pytest.raises(UserError, match="again"):
        restore_images("one")


class Killed(BaseException):
    """Nothing of the program runs any more."""


@pytest.mark.parametrize("step", range(3))
def test_a_kill_while_a_set_is_replaced_leaves_one_whole_set(
    step: int, home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = save_images("one", folder, background="black")
    new = open_images(str(folder / "spots"))
    steps = iter(range(10))

    def dying(do: Callable[..., None]) -> Callable[..., None]:
        def done(*given: Any, **more: Any) -> None:
            do(*given, **more)
            if next(steps) == step:
                raise Killed

        return done

    with monkeypatch.context() as killed:
        killed.setattr(workspace, "write_bytes", dying(workspace.write_bytes))
        killed.setattr(Path, "unlink", dying(Path.unlink))
        with pytest.raises(Killed):
            save_images("one", folder / "spots", replace=True)
    found = open_images("saved/one")
    assert found.digest == (new if step else old).digest
    (info,) = (info for info in list_images() if info.subject == "saved")
    assert (info.positives, info.negatives) == (found.n_positives, found.n_negatives)
    save_images("one", folder / "other", replace=True)
    assert len(list((home / "images").glob("one*.zip"))) == 1  # nothing of the others is left


def test_of_two_who_save_at_once_a_reader_sees_one_whole_set(home: Path, folder: Path) -> None:
    sets = [save_images("one", folder / part, replace=True).digest for part in ("spots", "other")]
    failed: list[BaseException] = []

    def save(part: str) -> None:
        try:
            for _ in range(25):
                save_images("one", folder / part, replace=True)
        except BaseException as error:  # noqa: BLE001 (told below)
            failed.append(error)

    savers = [Thread(target=save, args=(part,)) for part in ("spots", "other")]
    for saver in savers:
        saver.start()
    seen = set()
    while any(saver.is_alive() for saver in savers):
        seen.add(open_images("saved/one").digest)
    assert failed == []
    assert seen <= set(sets)
    assert len(list((home / "images").glob("one*.zip"))) == 1


def test_a_set_of_an_earlier_version_opens_goes_and_comes_back(home: Path, folder: Path) -> None:
    kept = save_images("one", folder)
    path = workspace.place("images", "one.json")
    about = workspace.read_json(path)
    assert about is not None
    path.with_name(about.pop("file")).rename(path.with_suffix(".zip"))
    workspace.write_json(path, about)
    assert open_images("saved/one").digest == kept.digest
    assert [info.id for info in list_images() if info.subject == "saved"] == ["saved/one"]
    delete_images("one")
    restore_images("one")
    assert open_images("saved/one").digest == kept.digest
    save_images("one", folder / "spots", replace=True)
    assert not path.with_suffix(".zip").exists()


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "x" * 65])
def test_a_name_is_never_a_path(home: Path, folder: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot be a name"):
        save_images(name, folder)
    assert not list(home.rglob("*.zip"))


def test_nothing_that_cannot_be_opened_is_kept(home: Path, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.png", b"no image at all")
    for data in (packed.getvalue(), b"no zip"):
        with pytest.raises(UserError):
            save_images("bad", data)
    with pytest.raises(UserError, match="no folder and no zip file"):
        save_images("bad", tmp_path / "nowhere")
    assert not list(home.rglob("bad*"))


def test_the_commands(home: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = run(capsys, "examples", "save", "spots", "--images", str(folder), "--positive-folder", "spots")
    assert (kept["id"], kept["positives"], kept["negatives"]) == ("saved/spots", 3, 3)
    assert "already" in fails(capsys, "examples", "save", "spots", "--images", str(folder))
    assert len(run(capsys, "examples", "show", "saved/spots")["rows"]) == 6
    assert run(capsys, "examples", "delete", "saved/spots")["id"] == "saved/spots"
    assert "no saved images" in fails(capsys, "examples", "show", "saved/spots")
    assert run(capsys, "examples", "restore", "saved/spots")["action"] == "restore"
    assert "Say where" in fails(capsys, "examples", "save", "x", "--images", str(folder), "--from", "y.csv")


def test_what_is_too_large_is_said_before_anything_is_read(
    home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = folder.parent / "set.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in folder.rglob("*.png"):
            archive.write(path, path.relative_to(folder))
    monkeypatch.setattr("core.examples.image_files.MAX_ZIP_BYTES", 100)
    for read in ("pathlib.Path.read_bytes", "zipfile.ZipFile.write"):
        monkeypatch.setattr(read, lambda *_: pytest.fail("it was read"))
    for source in (packed, folder):
        with pytest.raises(UserError, match="is larger than"):
            save_images("large", source)
    monkeypatch.setattr("core.examples.saved_images.MOST", 3)
    with pytest.raises(UserError, match="more than 3 images"):
        save_images("many", folder)
