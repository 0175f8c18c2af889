"""Checksums of what the program made itself, so that what is damaged is found when it is read anew."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from core import workspace
from core.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

FILE = "conceptscope.checksums.json"  # within a folder: they belong to its files, whichever of two folders wins


def note_checksums(folder: Path) -> None:
    """Note in `folder` what the files that are in it have to be."""
    sums = {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.is_file() and path.name != FILE}
    workspace.write_json(folder / FILE, sums)


def noted(folder: Path) -> dict[str, str] | None:
    """What the files of `folder` have to be, by name; None where it was not noted: the folder is another's.

    Raises UserError where the note itself is damaged.
    """
    path = _note_of(folder)
    if not path.is_file():
        return None
    sums = workspace.read_json(path)
    if not isinstance(sums, dict) or any(name != Path(name).name for name in sums):
        raise damaged(path, folder)
    return sums


def damaged(path: Path, folder: Path) -> UserError:
    """What is said of a file that is not what was noted."""
    return UserError(
        f"{path} is damaged, or was changed by hand: delete {folder} and have it made anew, a bundled model by opening "
        f"it and a folded one by folding again; if the change was yours, delete {_note_of(folder)} to keep it."
    )


def _note_of(folder: Path) -> Path:
    earlier = folder.with_name(f"{folder.name}.checksums.json")  # where it was before it was put into the folder
    return earlier if earlier.is_file() and not (folder / FILE).is_file() else folder / FILE


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over the names and the bytes of all tensors, by name."""
    sha = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        sha.update(name.encode())
        values = tensor.detach().cpu().contiguous().reshape(-1).numpy()
        sha.update(values.view("uint8").data)  # where it lies: weights may be hundreds of megabytes
    return sha.hexdigest()
