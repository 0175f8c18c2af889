"""An index on disk: `indexes/<key>/` with a manifest and safetensors files, each whole and checked.

A new version of a file gets a new name; the manifest, replaced in one step, says which ones count. So a reader sees
one moment of a growing index, and a program that was killed leaves the last moment behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from core import workspace
from core.activations import shards
from core.dictionaries.index.inplace import Left, left_in
from core.errors import UserError
from core.locks import held

MANIFEST = "manifest.json"
LARGEST = 16 << 30  # bytes of a file


def folder_of(key: str) -> Path:
    """Where the index with this key lies, or will."""
    return workspace.place("indexes", workspace.checked_name(key), "x").parent


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """What is said of the index in a folder; None if there is none, or nothing that can be read."""
    value = workspace.read_json(folder / MANIFEST)
    return value if isinstance(value, dict) else None


class Writer:
    """Writes new versions of an index's files and says in the manifest that they count."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder, self.manifest = folder, manifest
        self.manifest.setdefault("files", {})
        self._old: list[str] = []

    def write(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """A new version of the file `name`; it counts from the next `publish` on."""
        generation = int(self.manifest.get("generation", 0)) + 1
        file = f"{name}-{generation:05d}.safetensors"
        data = safetensors.numpy.save({key: np.ascontiguousarray(array) for key, array in arrays.items()})
        workspace.write_bytes(self.folder / file, data)
        self.drop(name)
        self.manifest["files"][name] = {
            "file": file,
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }

    def drop(self, name: str) -> None:
        """The file `name` counts no more from the next `publish` on."""
        if (old := self.manifest["files"].pop(name, None)) is not None:
            self._old.append(old["file"])

    def publish(self, **values: Any) -> None:
        """Put the manifest in its place, with `values` changed, and remove what counts no more."""
        self.manifest |= values
        self.manifest["generation"] = int(self.manifest.get("generation", 0)) + 1
        workspace.write_json(self.folder / MANIFEST, self.manifest)
        for file in self._old:
            (self.folder / file).unlink(missing_ok=True)
        self._old = []


def clear(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Remove versions that no manifest names, which a killed program leaves on either side of a `publish`.

    Only for whoever holds the right to build the index.
    """
    named = {entry["file"] for entry in manifest.get("files", {}).values()}
    for path in folder.glob("*-[0-9][0-9][0-9][0-9][0-9].safetensors"):
        if path.name not in named:
            path.unlink(missing_ok=True)


def load(folder: Path, manifest: Mapping[str, Any], name: str) -> dict[str, np.ndarray]:
    """All arrays of a file, checked against its sum. Raises UserError, naming the file, if it is damaged or missing."""
    path, entry = _entry(folder, manifest, name)
    if not shards.is_sound(path, str(entry.get("sha256"))):
        raise damaged(path)
    try:
        return dict(safetensors.numpy.load_file(path))
    except (safetensors.SafetensorError, OSError, ValueError, KeyError) as error:
        raise damaged(path) from error


def left(folder: Path, manifest: Mapping[str, Any], name: str) -> Left:
    """As `load`, but the arrays stay where they lie in the file, read-only."""
    path, entry = _entry(folder, manifest, name)
    if not shards.is_sound(path, str(entry.get("sha256"))):
        raise damaged(path)
    try:
        with safetensors.safe_open(path, framework="numpy"):  # which looks whether the header is what it should be
            return left_in(path)
    except (safetensors.SafetensorError, OSError, ValueError, KeyError) as error:
        raise damaged(path) from error


def mapped(folder: Path, manifest: Mapping[str, Any], name: str) -> safetensors.safe_open:
    """A file of which parts are read when they are needed; whoever reads them checks them."""
    path, entry = _entry(folder, manifest, name)
    try:
        if path.stat().st_size != entry.get("bytes"):
            raise damaged(path)
        return safetensors.safe_open(path, framework="numpy")
    except (safetensors.SafetensorError, OSError) as error:
        raise damaged(path) from error


def damaged(path: Path) -> UserError:
    """What is said of a file that is not what was written."""
    what = "is damaged" if path.exists() else "is missing"
    return UserError(f"{path} {what}; delete the folder {path.parent.name} and build the index again.")


@contextmanager
def building(key: str) -> Iterator[None]:
    """Hold the right to build this index. Raises UserError if another program does it now."""
    busy = "This index is being built by another program now; wait for it, or stop it."
    with held("locks", f"index-{key}.lock", busy=busy):
        yield


def _entry(folder: Path, manifest: Mapping[str, Any], name: str) -> tuple[Path, Mapping[str, Any]]:
    files = manifest.get("files")
    entry = files.get(name) if isinstance(files, dict) else None
    file = entry.get("file") if isinstance(entry, dict) else None
    # A name from a file that may come from anywhere must not lead out of the folder.
    if not isinstance(file, str) or Path(file).name != file or file.startswith("."):
        raise UserError(f"{folder / MANIFEST} names no file for {name!r}; build the index again.")
    assert isinstance(entry, dict)
    return folder / file, entry
