"""What makes two models the same: a hash of the files that decide their numbers."""

from __future__ import annotations

from pathlib import Path

from core import locks, spaces, workspace
from core.models.checksums import damaged, noted, sha256
from core.models.source import Source


def fingerprint(source: Source, scheme: str = "") -> str:
    """24 hexadecimal digits over names and contents of the source's files, and how weights are kept.

    scheme: as `quantised.scheme_of` tells it. Weights in 8 bits are another model: nothing that was computed with the
    plain ones may be taken for theirs.

    Hashing is about a second per gigabyte, so a file's hash is remembered under its path, inode, size,
    modification and change time; any write to the file changes one of these. What a disk changes by itself changes
    none, and is not found here while the hash is remembered. Raises UserError for a file that is not what was noted
    when the program made it, chat templates and the like included, which are in no fingerprint.
    """
    known = _known()
    sums = noted(source.directory) or {}
    files = source.files()
    others = {source.directory / name for name in sums} - {*files}
    hashes = {path: known.get(state_of(path)) or sha256(path) for path in [*files, *sorted(others)] if path.is_file()}
    for path, sha in hashes.items():
        if path.parent == source.directory and sums.get(path.name, sha) != sha:
            raise damaged(path, source.directory)
    fresh = {state: sha for path, sha in hashes.items() if (state := state_of(path)) not in known}
    if fresh:
        with locks.held("locks", "hashes.lock"):  # what another program adds meanwhile would be lost
            workspace.write_json(_path(), {**_read(_path()), **fresh})
    return _of(source, {path: hashes[path] for path in files}, scheme)


def _of(source: Source, hashes: dict[Path, str], scheme: str) -> str:
    parts = [["scheme", scheme]] if scheme else []
    for path, sha in hashes.items():
        place = "adapter" if source.adapter is not None and path.is_relative_to(source.adapter) else "model"
        parts.append([place, path.name, sha])
    return workspace.digest(parts)


def _known() -> dict[str, str]:
    with spaces.within(""):  # of the shared library, where there is one; a hash says nothing but itself
        shared = _read(_path())
    return shared | _read(_path())


def _read(path: Path) -> dict[str, str]:
    return workspace.read_json(path) or {}


def _path() -> Path:
    return workspace.place("models", "hashes.json")


def state_of(path: Path) -> str:
    """What any write to the file changes; "" where there is none."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{path}|{status.st_ino}|{status.st_size}|{status.st_mtime_ns}|{status.st_ctime_ns}"
