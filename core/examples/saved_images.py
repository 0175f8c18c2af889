"""The user's own sets of images, kept in the workspace as `images/<name>.zip` with what is known of them beside it.

The zip file holds the very files that were given. It is opened with the same care as one that somebody sends.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from core import workspace
from core.errors import UserError
from core.examples.examples import Info
from core.examples.image_files import files_of, open_zip
from core.examples.image_ids import SAVED, saved_infos, saved_path
from core.examples.images import ImageExamples


def save_images(
    name: str, source: Path | bytes, *, background: str = "", positive: str | None = None, replace: bool = False
) -> ImageExamples:
    """Keep a folder, a zip file or the bytes of one under `name`; returns it as `open_images("saved/<name>")` gives it.

    background, positive: as for `open_images`. UserError if the name is taken and replace is False, or if anything
    in it cannot be read.
    """
    path = saved_path(name)
    if path.is_file() and not replace:
        raise UserError(f"There are saved images called {name!r} already; choose another name or delete those.")
    data = source if isinstance(source, bytes) else _packed(source)
    told = {"background": background, "positive": positive}
    found = open_zip(SAVED + name, data, background=background, positive=positive)
    workspace.write_bytes(path, data)
    about = {
        "title": name,
        "positives": found.n_positives,
        "negatives": found.n_negatives,
        "positive_name": found.positive_name,
        "negative_name": found.negative_name,
        "source": str(source) if isinstance(source, Path) else "upload",
        **told,
    }
    # Last, since a set counts as saved when this is there.
    workspace.write_json(path.with_suffix(".json"), about)
    return found


def open_saved_images(name: str, *, limit: int | None = None) -> ImageExamples:
    """The saved set `name`, cut to `limit` images."""
    path = saved_path(name)
    about: Any = workspace.read_json(path.with_suffix(".json"))
    if not path.is_file() or not isinstance(about, dict):
        raise UserError(f"There are no saved images called {name!r}; `python -m core examples` lists those at hand.")
    background, positive = about.get("background") or "", about.get("positive")
    return open_zip(SAVED + name, path, background=background, positive=positive, limit=limit)


def delete_images(name: str) -> None:
    """Put the saved set `name` aside; `restore_images` brings it back until another of that name is deleted."""
    _move(name, "", "deleted", f"There are no saved images called {name!r}.")


def restore_images(name: str) -> None:
    """Bring the set `name` back that was deleted last. UserError if there is none, or if the name is taken again."""
    if saved_path(name).is_file():
        raise UserError(f"There are saved images called {name!r} again; delete those first.")
    _move(name, "deleted", "", f"No deleted images called {name!r} are left.")


def list_saved_images() -> list[Info]:
    return saved_infos()


def _move(name: str, here: str, there: str, missing: str) -> None:
    for suffix in (".json", ".zip") if there else (".zip", ".json"):
        try:
            saved_path(name, here).with_suffix(suffix).replace(saved_path(name, there).with_suffix(suffix))
        except FileNotFoundError:
            raise UserError(missing) from None
    workspace.sync_directory(saved_path(name).parent)


def _packed(source: Path) -> bytes:
    """The bytes of a zip file, or a folder's images as one."""
    if source.is_file():
        try:
            return source.read_bytes()
        except OSError as error:
            raise UserError(f"{source} cannot be read ({error.strerror}).") from error
    if not source.is_dir():
        raise UserError(f"There is no folder and no zip file {source}.")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in files_of(source):
            archive.write(path, path.relative_to(source).as_posix())
    return packed.getvalue()
