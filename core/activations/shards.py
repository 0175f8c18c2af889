"""Shard files: written whole, checked before they are believed, read by memory mapping."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

from core import workspace
from core.errors import UserError
from core.locks import held

_verified: set[tuple[str, str, int, int, int, int]] = set()


def name_of(shard: int) -> str:
    return f"shard-{shard:05d}.safetensors"


def write(path: Path, tensors: dict[str, Tensor]) -> str:
    """Write a shard atomically; returns its SHA-256."""
    data = safetensors.torch.save(tensors)
    workspace.write_bytes(path, data)
    return hashlib.sha256(data).hexdigest()


def is_sound(path: Path, sha256: str) -> bool:
    """Whether the file is there and holds what was written. Hashed once per process and state of the file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    identity = (sha256, str(path), status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)
    if identity not in _verified:
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                return False
        _verified.add(identity)
    return True


def read(path: Path, sha256: str) -> dict[str, Tensor]:
    """The shard's tensors, memory-mapped. Raises UserError, naming the file, if it is damaged or missing."""
    if not is_sound(path, sha256):
        what = "is damaged" if path.exists() else "is missing"
        raise UserError(f"{path} {what}; record the same texts again, and only this shard is recomputed.")
    with safetensors.safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (safe_open is no dict)


@contextmanager
def locked(key: str) -> Iterator[None]:
    """Hold the lock of one store among all programs of this workspace, for as long as a manifest update takes."""
    with held("locks", f"{key}.lock"):
        yield
