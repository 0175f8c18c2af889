"""What makes two models the same: a hash of the files that decide their numbers."""

from __future__ import annotations

import hashlib
from pathlib import Path

from core import workspace
from core.models.source import Source


def fingerprint(source: Source) -> str:
    """24 hexadecimal digits over names and contents of the source's files.

    Hashing is about a second per gigabyte, so a file's hash is remembered under its path, inode, size,
    modification and change time; any write to the file changes one of these.
    """
    known = _known()
    hashes = {path: known.get(_identity(path)) or _sha256(path) for path in source.files()}
    fresh = {_identity(path): sha for path, sha in hashes.items() if _identity(path) not in known}
    if fresh:
        workspace.write_json(_path(), {**known, **fresh})
    return _of(source, hashes)


def _of(source: Source, hashes: dict[Path, str]) -> str:
    parts = []
    for path, sha in hashes.items():
        place = "adapter" if source.adapter is not None and path.is_relative_to(source.adapter) else "model"
        parts.append([place, path.name, sha])
    return workspace.digest(parts)


def _known() -> dict[str, str]:
    return workspace.read_json(_path()) or {}


def _path() -> Path:
    return workspace.place("models", "hashes.json")


def _identity(path: Path) -> str:
    status = path.stat()
    return f"{path}|{status.st_ino}|{status.st_size}|{status.st_mtime_ns}|{status.st_ctime_ns}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
