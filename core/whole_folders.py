"""Folders that appear whole or not at all, as single files do (`workspace.write_bytes`)."""

from __future__ import annotations

import errno
import os
import platform
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core import locks, quota, spaces, workspace
from core.errors import UserError

LOCK = ("locks", "folders.lock")  # of who moves a folder aside to put another in its place


@contextmanager
def whole_folder(folder: Path, *, replace: bool = True, size: int | None = None) -> Iterator[Path]:
    """A fresh folder to fill, which takes the place of `folder` in one step once the block ends well.

    replace: whether it also takes the place of one that holds something, in the workspace; otherwise the one that was
    there stays, as when two programs make the same and the other was first. An exception leaves all as it was. What
    programs that were killed on this machine left half-written is cleared. Outside of the workspace an empty folder
    stays what it is, a current or a linked one, and is given its files one by one, in the order in which they were
    written. size: how many bytes it will hold, where that is known; it is looked for room before they are written, else
    after. Raises UserError if the disk does not take it, where it is more than the present user may fill, and outside
    of the workspace where something is in the way.
    """
    workspace.require_writable(folder)
    if not _ours(folder):
        folder = folder.resolve()
    else:
        mend(folder.parent)
        if size is not None:
            workspace.require_room(size)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = _aside(folder)
        try:
            yield fresh
            for path in fresh.rglob("*"):
                if path.is_file():
                    _sync(path)
            if size is None and _ours(folder):
                workspace.require_room(quota.bytes_below(fresh))
            _put(fresh, folder, replace)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise UserError(f"{folder} could not be written: {error.strerror or error}; what was there is kept.") from error


def remove_folder(folder: Path) -> None:
    """Remove a folder of the workspace, at once: nobody ever opens half of it. Raises UserError if that fails."""
    mend(folder.parent)  # what was moved aside for it must not come back in its place
    try:
        gone = _aside(folder)
        folder.rename(gone / folder.name)
        shutil.rmtree(gone)
    except OSError as error:
        raise UserError(f"{folder} could not be deleted: {error.strerror or error}.") from error
    workspace.sync_directory(folder.parent)


def mend(parent: Path) -> None:
    """Put back the folders in `parent`, of the workspace, that a program had moved aside when it was killed."""
    for old in parent.glob(".*.old"):
        _put_back(parent / old.name[1 : -len(".old")])


def mended(folder: Path) -> Path:
    """`folder` itself, put back first if a program had moved it aside when it was killed: for who is about to read."""
    with suppress(OSError):  # a name too long, say
        if not folder.exists() and _old(folder).is_dir():
            _put_back(folder)
    return folder


def is_free(folder: Path) -> bool:
    """Whether `folder`, outside of the workspace, is new, or empty but for what killed programs left in it."""
    if not folder.exists():
        return True
    if folder.is_dir():
        workspace.clear_parts(folder, before=_before(folder))
    return folder.is_dir() and not any(folder.iterdir())


def _put_back(folder: Path) -> None:
    if not _ours(folder):
        return
    # Waits for a program that is alive; where nothing can be written, and where another was quicker, all stays.
    with suppress(UserError, OSError), locks.held(*LOCK):
        shutil.rmtree(_old(folder)) if folder.exists() else _old(folder).rename(folder)


def _old(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.old"


def _before(folder: Path) -> str:
    return f".{folder.resolve().name}~"


def _aside(folder: Path) -> Path:
    """An empty folder on the same file system: in the workspace among its parts, elsewhere beside `folder`, or within
    it where it is there. Elsewhere it may be entered by whoever a new folder of this program may."""
    own = f"{platform.node()}~{os.getpid()}~"
    if _ours(folder):
        workspace.clear_parts()
        parts = workspace.home() / spaces.PARTS
        parts.mkdir(exist_ok=True)
        return Path(tempfile.mkdtemp(dir=parts, prefix=own, suffix=".part"))
    parent = folder if folder.is_dir() else folder.parent
    workspace.clear_parts(parent, before=_before(folder))
    made = parent / f"{_before(folder)}{own}{secrets.token_hex(6)}.part"
    made.mkdir()
    return made


def _put(fresh: Path, folder: Path, replace: bool) -> None:
    if fresh.parent == folder:
        if any(path != fresh for path in folder.iterdir()):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))
        for path in sorted(fresh.iterdir(), key=lambda one: one.stat().st_mtime_ns):
            path.rename(folder / path.name)
        workspace.sync_directory(folder)
        return
    try:
        fresh.rename(folder)  # also over an empty folder
    except OSError:
        if not folder.exists() or (replace and not _ours(folder)):
            raise
        if replace:
            with locks.held(*LOCK):  # so that nobody puts the old one back while this goes on
                old = _old(folder)
                shutil.rmtree(old, ignore_errors=True)
                folder.rename(old)
                fresh.rename(folder)
                shutil.rmtree(old, ignore_errors=True)
    workspace.sync_directory(folder.parent)


def _ours(folder: Path) -> bool:
    return folder.resolve().is_relative_to(workspace.home())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
