"""The user's own sets of images, kept in the workspace as `images/<name>.json`, which names a zip file beside it.

The zip file holds the very files that were given. It is opened with the same care as one that somebody sends. It is
called after what it holds, so that one that takes its place never stands beside what is told of another.
"""

from __future__ import annotations

import glob
import hashlib
import io
import zipfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from core import locks, workspace
from core.errors import UserError
from core.examples.examples import Info
from core.examples.image_files import files_of, open_zip, require_size
from core.examples.image_ids import SAVED, found_path, packed_path, saved_infos, saved_path
from core.examples.images import MOST, ImageExamples


def save_images(
    name: str, source: Path | bytes, *, background: str = "", positive: str | None = None, replace: bool = False
) -> ImageExamples:
    """Keep a folder, a zip file or the bytes of one under `name`; returns it as `open_images("saved/<name>")` gives it.

    background, positive: as for `open_images`. UserError if the name is taken and replace is False, or if anything
    in it cannot be read.
    """
    path = saved_path(name)
    _check_free(path, replace)
    data = source if isinstance(source, bytes) else _packed(source)
    found = open_zip(SAVED + name, data, background=background, positive=positive)
    sha = hashlib.sha256(data).hexdigest()
    about = {
        "title": name,
        "positives": found.n_positives,
        "negatives": found.n_negatives,
        "positive_name": found.positive_name,
        "negative_name": found.negative_name,
        "source": str(source) if isinstance(source, Path) else "upload",
        "sha256": sha,
        "file": f"{name}~{sha[:16]}.zip",
        "background": background,
        "positive": positive,
    }
    with _held(name):
        _check_free(path, replace)
        workspace.write_bytes(packed_path(path, about), data)
        workspace.write_json(path, about)  # from here on the set is this one
        _clear(path, about)
    return found


def open_saved_images(name: str, *, limit: int | None = None) -> ImageExamples:
    """The saved set `name`, cut to `limit` images."""
    while True:
        path = found_path(name)
        about: Any = workspace.read_json(path)
        if not isinstance(about, dict):
            if path.is_file():
                raise UserError(f"The saved images {name!r} are damaged ({path}); delete them and save them again.")
            raise UserError(
                f"There are no saved images called {name!r}; `python -m core examples` lists those at hand."
            )
        try:
            return _opened(name, packed_path(path, about), about, limit)
        except (UserError, OSError) as error:
            if workspace.read_json(found_path(name)) != about:
                continue  # another set took its place meanwhile, and its zip file went
            if isinstance(error, UserError):
                raise
            raise UserError(
                f"The saved images {name!r} cannot be read ({error.strerror}); delete them and save them again."
            ) from None


def delete_images(name: str) -> None:
    """Put the saved set `name` aside; `restore_images` brings it back until another of that name is deleted."""
    workspace.require_own(name, "images", saved_path(name).name)
    _move(name, "", "deleted", f"There are no saved images called {name!r}.")


def restore_images(name: str) -> None:
    """Bring the set `name` back that was deleted last. UserError if there is none, or if the name is taken again."""
    if saved_path(name).is_file():
        raise UserError(f"There are saved images called {name!r} again; delete those first.")
    _move(name, "deleted", "", f"No deleted images called {name!r} are left.")


def list_saved_images() -> list[Info]:
    return saved_infos()


def _check_free(path: Path, replace: bool) -> None:
    if path.is_file() and not replace:
        raise UserError(f"There are saved images called {path.stem!r} already; choose another name or delete those.")


def _held(name: str) -> AbstractContextManager[None]:
    """One program at a time changes the set, so that each clears only what nobody tells of any more."""
    return locks.held("locks", f"images-{name}.lock")


def _opened(name: str, path: Path, about: dict[str, Any], limit: int | None) -> ImageExamples:
    with path.open("rb") as file:
        if about.get("sha256", sound := hashlib.file_digest(file, "sha256").hexdigest()) != sound:
            raise UserError(f"The saved images {name!r} are damaged ({path}); delete them and save them again.")
    background, positive = about.get("background") or "", about.get("positive")
    return open_zip(SAVED + name, path, background=background, positive=positive, limit=limit)


def _clear(path: Path, about: dict[str, Any]) -> None:
    """Remove the zip files of earlier sets of this name from beside what is told of the present one."""
    name = path.name.removesuffix(".json")
    for old in (path.with_name(f"{name}.zip"), *path.parent.glob(f"{glob.escape(name)}~*.zip")):
        if old != packed_path(path, about):
            old.unlink(missing_ok=True)


def _move(name: str, here: str, there: str, missing: str) -> None:
    """Move a set as a whole: whoever is killed in between leaves a zip file behind, which is found from either side."""
    source, target = saved_path(name, here), saved_path(name, there)
    with _held(name):
        about: Any = workspace.read_json(source)
        if not source.is_file():
            raise UserError(missing)
        about = about if isinstance(about, dict) else {}
        packed, to = packed_path(source, about), packed_path(target, about)
        if there:  # it is gone with what is told of it, and there with it
            source.replace(target)
        if packed.is_file():
            packed.replace(to)
        if not there:
            source.replace(target)
        if to.is_file():
            _clear(target, about)
    for path in (source, target):
        workspace.sync_directory(path.parent)


def _packed(source: Path) -> bytes:
    """The bytes of a zip file, or a folder's images as one. Nothing is read of what is larger than can be kept."""
    if source.is_file():
        try:
            require_size(str(source), source.stat().st_size)
            return source.read_bytes()
        except OSError as error:
            raise UserError(f"{source} cannot be read ({error.strerror}).") from error
    if not source.is_dir():
        raise UserError(f"There is no folder and no zip file {source}.")
    files = files_of(source)
    if len(files) > MOST:
        raise UserError(f"{source} holds more than {MOST:,} images; divide it.")
    try:
        require_size(str(source), sum(path.stat().st_size for path in files))
    except OSError as error:
        raise UserError(f"{source} cannot be read ({error.strerror}).") from error
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in files:
            archive.write(path, path.relative_to(source).as_posix())
    return packed.getvalue()
