"""The saved directions: `directions/<name>.safetensors` in the workspace, in the format of packed.py.

The file's name is the direction's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core import workspace
from core.directions.direction import Direction
from core.directions.packed import LARGEST, Unfit, pack, unpack
from core.errors import UserError


def save_direction(direction: Direction, *, replace: bool = True) -> Path:
    """Write `direction` to the library, atomically. A direction of that name is replaced, or with replace=False kept.

    Raises UserError for a name that cannot be a file's name, or one that is taken and not to be replaced.
    """
    path = _path(direction.name)
    if not replace and path.exists():
        raise UserError(f"There is a direction called {direction.name!r} already: choose another name, or delete it.")
    workspace.write_bytes(path, pack(direction))
    return path


def save_directions(directions: Sequence[Direction], *, replace: bool = True) -> None:
    """Save several, or with replace=False none of them if one of their names is taken."""
    taken = [one.name for one in directions if _path(one.name).exists()]
    if taken and not replace:
        raise UserError(f"There is a direction called {taken[0]!r} already: choose another name, or delete it.")
    for one in directions:
        save_direction(one)


def load_direction(name: str) -> Direction:
    """The saved direction of that name.

    Raises UserError if there is none, or if the file is damaged or not what `save_direction` writes.
    """
    path = workspace.found(*_parts(name))
    if not path.is_file():
        saved = ", ".join(_names()) or "none yet"
        raise UserError(f"There is no direction called {name!r}; saved are: {saved}.")
    try:
        return _read(path)
    except Unfit as error:
        raise UserError(
            f"{path} is not a direction of ours ({error}): delete it and make the direction anew."
        ) from None


def list_directions() -> list[Direction]:
    """All sound directions, by name. Files that are not sound are passed over; `load_direction` says why."""
    found = []
    for name in _names():
        try:
            found.append(load_direction(name))
        except UserError:
            continue  # one bad file must not hide the others
    return found


def delete_direction(name: str) -> None:
    """Remove a saved direction, sound or not. Raises UserError if there is none of that name."""
    workspace.require_own(name, *_parts(name))
    path = _path(name)
    if not path.exists():
        raise UserError(f"There is no direction called {name!r} to delete.")
    path.unlink()
    workspace.sync_directory(path.parent)


def rename_direction(old: str, new: str) -> Direction:
    """Give a saved direction another name, which must be free. A crash in between leaves both names, never neither."""
    workspace.require_own(old, *_parts(old))
    direction = load_direction(old)
    renamed = Direction(**{**vars(direction), "name": new})
    save_direction(renamed, replace=False)
    delete_direction(old)
    return renamed


def _path(name: str) -> Path:
    return workspace.place(*_parts(name))


def _parts(name: str) -> tuple[str, str]:
    return "directions", f"{workspace.checked_name(name)}.safetensors"


def _names() -> list[str]:
    found = workspace.listed("directions", "[!.]*.safetensors")
    return sorted(path.name.removesuffix(".safetensors") for path in found)


def _read(path: Path) -> Direction:
    if path.stat().st_size > LARGEST:
        raise Unfit(f"it is larger than {LARGEST >> 20} MB")
    return unpack(path.read_bytes(), path.name.removesuffix(".safetensors"))
