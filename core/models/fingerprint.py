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
    known_path = workspace.place("models", "hashes.json")
    known = workspace.read_json(known_path) or {}
    parts, fresh = [], {}
    for path in source.files():
        status = path.stat()
        identity = f"{path}|{status.st_ino}|{status.st_size}|{status.st_mtime_ns}|{status.st_ctime_ns}"
        sha = known.get(identity) or _sha256(path)
        if identity not in known:
            fresh[identity] = sha
        place = "adapter" if source.adapter is not None and path.is_relative_to(source.adapter) else "model"
        parts.append([place, path.name, sha])
    if fresh:
        workspace.write_json(known_path, {**known, **fresh})
    return workspace.digest(parts)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
