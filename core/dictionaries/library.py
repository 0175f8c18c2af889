"""Dictionaries that are at hand: those saved in the workspace, those that ship with the project, any directory.

`dictionaries/<name>/` holds the files of the SAELens format, so that SAELens opens them where they lie, and beside them
`card.json` and what came along.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch

from core import workspace
from core.dictionaries.card import card_from
from core.dictionaries.dictionary import Dictionary
from core.dictionaries.formats import CONFIG, read_files, to_bytes
from core.dictionaries.formats.beside import Beside, read_beside
from core.errors import UserError

CARD = "card.json"
BUNDLED = Path(__file__).parents[2] / "assets" / "dictionaries"


def open_dictionary(spec: str) -> Dictionary:
    """The dictionary that `spec` names: a saved or bundled name, or a directory.

    A saved name wins over a directory of that name; write `./name` for the directory. Raises UserError, in one
    sentence, if there is none or it is not sound. Nothing is asked of a model yet: see `fitted`.
    """
    folder = _find(spec.strip())
    files = read_files(folder, mapped=_is_ours(folder))
    beside = read_beside(folder)
    card = card_from(workspace.read_json(folder / CARD))
    name = folder.name if _is_ours(folder) else spec
    return Dictionary(name, files.coder, card, folder, files.metadata, files.sparsity, beside.figures, files.digest)


def labels_of(dictionary: Dictionary) -> dict[int, str]:
    """Labels that came along with a dictionary, by feature; text of others, to be shown as text."""
    if dictionary.folder is None:
        return {}
    found = read_beside(dictionary.folder).labels
    return {feature: text for feature, text in found.items() if feature < dictionary.coder.n_features}


def save_dictionary(
    dictionary: Dictionary,
    name: str,
    *,
    store: torch.dtype | None = None,
    replace: bool = False,
    beside: Beside | None = None,
) -> Dictionary:
    """Keep `dictionary` under `name`, and return it as it lies there.

    store: precision of the weights on disk. replace: whether one of that name may go. beside: figures and labels that
    came along. The folder appears whole or not at all. Raises UserError for a name that is taken or cannot be one.
    """
    folder = _folder(name)
    if folder.exists() and not replace:
        raise UserError(f"There is a dictionary called {name!r} already: choose another name, or delete it.")
    files = dict(to_bytes(dictionary.coder, dict(dictionary.metadata), dictionary.sparsity, store))
    files[CARD] = json.dumps(dictionary.card.to_json(), indent=1, allow_nan=False).encode()
    if beside is not None:
        files |= beside.to_bytes()
    _write_folder(folder, files)
    return open_dictionary(name)


def export_dictionary(dictionary: Dictionary, target: Path, *, store: torch.dtype | None = None) -> list[Path]:
    """Write the SAELens directory of `dictionary` to `target`, which must be new or empty. Returns what was written.

    The card goes into `metadata.conceptscope`, which SAELens keeps. Raises UserError for an architecture that SAELens
    does not know, and for a directory that holds something.
    """
    from core.dictionaries.sae.config import ARCHITECTURES

    table = ARCHITECTURES.get(dictionary.coder.kind)
    if table is None or table.foreign:
        raise UserError(
            f"SAELens has no architecture for {dictionary.coder.kind} dictionaries, so {dictionary.name!r} cannot be"
            " exported; its saved folder is its file."
        )
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UserError(f"{target} is there already and not empty; name a new directory.")
    card = dictionary.card
    metadata = dict(dictionary.metadata)
    if card.reads is not None:
        metadata |= {"model_name": card.model_id, "model_class_name": "AutoModelForCausalLM"}
        metadata.setdefault("hook_name", card.reads.module)
    metadata["conceptscope"] = {key: value for key, value in card.to_json().items() if key != "recipe"}
    files = to_bytes(dictionary.coder, metadata, dictionary.sparsity, store)
    for file, data in files.items():
        workspace.write_bytes(target / file, data)
    return [target / file for file in files]


def list_dictionaries() -> list[Dictionary]:
    """All sound dictionaries of the workspace and of the project, by name. What is not sound is passed over."""
    found = []
    for name in sorted({*_names(_folder("x").parent), *_names(BUNDLED)}):
        try:
            found.append(open_dictionary(name))
        except UserError:
            continue  # one bad folder must not hide the others; opening it says what is wrong
    return found


def folders_at_hand() -> dict[str, Path]:
    """Folder of each dictionary of the workspace and of the project, sound or not; a saved one hides a bundled one."""
    ours = _folder("x").parent
    return {name: parent / name for parent in (BUNDLED, ours) for name in _names(parent)}


def delete_dictionary(name: str) -> None:
    """Remove a saved dictionary, sound or not. Raises UserError if there is none of that name."""
    folder = _folder(name)
    if not folder.is_dir():
        raise UserError(f"There is no dictionary called {name!r} to delete.")
    (folder / CONFIG).unlink(missing_ok=True)  # first, so that half a folder is no dictionary
    shutil.rmtree(folder)


def _find(spec: str) -> Path:
    plain = "/" not in spec and os.sep not in spec and not spec.startswith((".", "~"))
    if plain:
        try:
            for folder in (_folder(spec), BUNDLED / spec):
                if (folder / CONFIG).is_file():
                    return folder
        except UserError:
            pass  # cannot be a saved name; it may still be a directory's
    try:
        path = Path(spec).expanduser()
        if spec and path.is_dir():
            return path.resolve()
    except (OSError, RuntimeError, ValueError):  # too long for a path, or the home of nobody
        pass
    saved = ", ".join(sorted({*_names(_folder("x").parent), *_names(BUNDLED)})) or "none yet"
    raise UserError(f"There is no dictionary and no directory called {spec[:80]!r}; saved are: {saved}.")


def _is_ours(folder: Path) -> bool:
    return folder.parent in (_folder("x").parent, BUNDLED)


def _folder(name: str) -> Path:
    return workspace.place("dictionaries", workspace.checked_name(name))


def _names(parent: Path) -> list[str]:
    _mend(parent)
    return sorted(path.parent.name for path in parent.glob(f"[!.]*/{CONFIG}"))


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write all files into a new folder and put it in its place in one step."""
    _mend(folder.parent)
    fresh, old = (folder.parent / f".{folder.name}.{what}" for what in ("new", "old"))
    for path in (fresh, old):
        shutil.rmtree(path, ignore_errors=True)
    for name, data in files.items():
        workspace.write_bytes(fresh / name, data)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    workspace.sync_directory(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _mend(parent: Path) -> None:
    """Put back what was moved aside by a program that was killed before the new one was in its place."""
    for old in parent.glob(".*.old"):
        folder = parent / old.name[1 : -len(".old")]
        if not folder.exists():
            old.rename(folder)
