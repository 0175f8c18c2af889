"""Dictionaries that are at hand: those saved in the workspace, those that ship with the project, any directory.

`dictionaries/<name>/` holds the files of the SAELens format, so that SAELens opens them where they lie, and beside them
`card.json` and what came along.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch

from core import spaces, workspace
from core.activations import shards
from core.dictionaries.card import card_from
from core.dictionaries.dictionary import Dictionary
from core.dictionaries.formats import CONFIG, read_files, to_bytes
from core.dictionaries.formats.beside import Beside, read_beside
from core.errors import UserError
from core.whole_folders import is_free, mend, mended, remove_folder, whole_folder

CARD = "card.json"
SUMS = "checksums.json"  # what the other files of a saved dictionary have to be
BUNDLED = Path(__file__).parents[2] / "assets" / "dictionaries"


def open_dictionary(spec: str) -> Dictionary:
    """The dictionary that `spec` names: a saved or bundled name, or a directory.

    A saved name wins over a directory of that name; write `./name` for the directory. Raises UserError, in one
    sentence, if there is none or it is not sound. Nothing is asked of a model yet: see `fitted`.
    """
    folder = _find(spec.strip())
    _check(folder)
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
    folder = mended(_folder(name))
    if folder.exists() and not replace:
        raise UserError(f"There is a dictionary called {name!r} already: choose another name, or delete it.")
    files = dict(to_bytes(dictionary.coder, dict(dictionary.metadata), dictionary.sparsity, store))
    files[CARD] = json.dumps(dictionary.card.to_json(), indent=1, allow_nan=False).encode()
    if beside is not None:
        files |= beside.to_bytes()
    files[SUMS] = json.dumps(
        {file: hashlib.sha256(data).hexdigest() for file, data in files.items()}, indent=1
    ).encode()
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
    if not is_free(target):
        raise UserError(f"{target} is there already and not empty; name a new directory.")
    card = dictionary.card
    metadata = dict(dictionary.metadata)
    if card.reads is not None:
        metadata |= {"model_name": card.model_id, "model_class_name": "AutoModelForCausalLM"}
        metadata.setdefault("hook_name", card.reads.module)
    metadata["conceptscope"] = {key: value for key, value in card.to_json().items() if key != "recipe"}
    files = to_bytes(dictionary.coder, metadata, dictionary.sparsity, store)
    _write_folder(target, files)
    return [target / file for file in files]


def list_dictionaries() -> list[Dictionary]:
    """All sound dictionaries of the workspace and of the project, by name. What is not sound is passed over."""
    found = []
    for name in sorted(folders_at_hand()):
        try:
            found.append(open_dictionary(name))
        except UserError:
            continue  # one bad folder must not hide the others; opening it says what is wrong
    return found


def folders_at_hand() -> dict[str, Path]:
    """Folder of each dictionary of the workspace and of the project, sound or not; a saved one hides a bundled one."""
    return {name: parent / name for parent in reversed(_homes()) for name in _names(parent)}


def delete_dictionary(name: str) -> None:
    """Remove a saved dictionary, sound or not. Raises UserError if there is none of that name."""
    workspace.require_own(name, "dictionaries", workspace.checked_name(name))
    folder = mended(_folder(name))
    if not folder.is_dir():
        raise UserError(f"There is no dictionary called {name!r} to delete.")
    remove_folder(folder)


def _find(spec: str) -> Path:
    plain = "/" not in spec and os.sep not in spec and not spec.startswith((".", "~"))
    if plain:
        try:
            name = workspace.checked_name(spec)
            for parent in _homes():
                if (mended(parent / name) / CONFIG).is_file():
                    return parent / name
        except UserError:
            pass  # cannot be a saved name; it may still be a directory's
    try:
        path = Path(spec).expanduser()
        if spec and workspace.readable(path).is_dir():
            return path.resolve()
    except (OSError, RuntimeError, ValueError):  # too long for a path, or the home of nobody
        pass
    saved = ", ".join(sorted(folders_at_hand())) or "none yet"
    raise UserError(f"There is no dictionary and no directory called {spec[:80]!r}; saved are: {saved}.")


def _check(folder: Path) -> None:
    """Raise UserError if a file is not what was saved. A folder without sums is taken as it is: it is another's."""
    if not (folder / SUMS).is_file():
        return
    sums = workspace.read_json(folder / SUMS)
    if isinstance(sums, dict) and sums and all(name == Path(name).name for name in sums):
        bad = [name for name, sha in sums.items() if not shards.is_sound(folder / name, str(sha))]
    else:
        bad = [SUMS]
    if bad:
        raise UserError(f"{folder / bad[0]} is damaged; delete the dictionary {folder.name!r}, and make it anew.")


def _is_ours(folder: Path) -> bool:
    return folder.parent in _homes()


def _homes() -> list[Path]:
    """Where dictionaries lie, the first that has a name counting: one's own, those of the library, bundled ones."""
    own = _folder("x").parent
    with spaces.within(""):
        shared = _folder("x").parent
    return [*dict.fromkeys((own, shared, BUNDLED))]


def _folder(name: str) -> Path:
    return workspace.place("dictionaries", workspace.checked_name(name))


def _names(parent: Path) -> list[str]:
    if not workspace.is_shared(parent):
        mend(parent)
    return sorted(path.parent.name for path in parent.glob(f"[!.]*/{CONFIG}"))


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write all files into a new folder and put it in its place in one step."""
    with whole_folder(folder, size=sum(map(len, files.values()))) as fresh:
        for name, data in files.items():
            (fresh / name).write_bytes(data)
