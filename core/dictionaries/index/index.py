"""An index, opened: what is known of every feature, as columns, and where its examples are."""

from __future__ import annotations

import zlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core import workspace
from core.dictionaries.index import files
from core.dictionaries.index.checking import checked_columns, checked_places, checked_weights
from core.dictionaries.index.settings import FORMAT, Settings
from core.dictionaries.index.texts import Texts
from core.errors import UserError

if TYPE_CHECKING:
    from core.dictionaries.dictionary import Dictionary

BESIDE = "index"  # folder of an index that came along with its dictionary


class Index:
    """An index as it was when it was opened; one that grows has to be opened again to show what came since.

    columns: arrays with a line per feature, see `core.dictionaries.index.view.columns_of` and, for what needs no
    corpus, `core.dictionaries.index.weights`. texts: the texts, read when they are shown. Raises UserError, naming the
    file, for an index that is damaged or of another format.
    """

    def __init__(self, folder: Path) -> None:
        manifest = files.read_manifest(folder)
        if manifest is None:
            raise UserError(f"{folder / files.MANIFEST} is missing or damaged; build the index again.")
        if manifest.get("format") != FORMAT:
            raise UserError(f"{folder} holds an index of another format; build it again.")
        self.folder, self.manifest = folder, manifest
        self.about, self.corpus = (_object(folder, manifest, name) for name in ("about", "corpus"))
        self.settings = _settings(folder, manifest)
        # Of tens of thousands of features hardly any is looked at: they stay in their files until one is.
        columns, weights = (files.left(folder, manifest, name) for name in ("columns", "weights"))
        self.columns = columns.arrays
        places = files.load(folder, manifest, "places")
        self.n_features = len(self.columns.get("count", ()))
        checked_places(folder, places, self.corpus)
        checked_columns(folder, self.columns, self.settings, len(places["places"]))
        checked_weights(folder, weights.arrays, self.n_features)
        self.columns = columns.arrays | weights.arrays
        for one in (columns, weights):
            one.rest()  # the checks went through all of them
        self._windows = self._mapped_windows()  # held open: a growing index removes its old files
        self.texts = Texts(
            self.corpus["kind"],
            self.corpus["sets"],
            places["places"],
            places["checks"],
            str(self.corpus.get("digest")),
            self.corpus.get("about") or {},
        )

    @property
    def key(self) -> str:
        """Of the index; together with `generation` it names one moment of it."""
        return str(self.manifest.get("key"))

    @property
    def generation(self) -> int:
        """Grows with every state that is laid down."""
        return int(self.manifest.get("generation", 0))

    @property
    def complete(self) -> bool:
        """Whether the whole corpus was read."""
        return self.manifest.get("complete") is True

    @property
    def n_tokens(self) -> int:
        """Tokens that were read so far."""
        return int(self.columns["tokens"][0])

    @property
    def unit(self) -> float:
        """What windows are to be multiplied by."""
        value = self.manifest.get("unit")
        return float(value) if isinstance(value, int | float) and np.isfinite(value) else 1.0

    @cached_property
    def density(self) -> NDArray[np.float64]:
        """(m,) share of the tokens, 0 to 1, on which each feature is on."""
        return self.columns["count"] / max(self.n_tokens, 1)

    def windows(self, feature: int) -> NDArray[np.float32]:
        """(e, w) codes of the feature at the tokens around each of its examples; NaN where none was read.

        Raises UserError if they are not what was written.
        """
        found = self._windows.get_slice("window")[feature]
        if zlib.crc32(np.ascontiguousarray(found).tobytes()) != int(self.columns["window_check"][feature]):
            raise files.damaged(self.folder / self.manifest["files"]["windows"]["file"])
        return found.astype(np.float32) * self.unit

    def _mapped_windows(self) -> Any:
        mapped = files.mapped(self.folder, self.manifest, "windows")
        shape = (*self.columns["example_text"].shape, self.settings.window)
        part = mapped.get_slice("window") if "window" in mapped.keys() else None  # noqa: SIM118 (safe_open is no dict)
        if part is None or tuple(part.get_shape()) != shape or part.get_dtype() != "F16":
            raise files.damaged(self.folder / self.manifest["files"]["windows"]["file"])
        return mapped

    def check(self, feature: int) -> int:
        """`feature` if there is one of that number, else UserError."""
        if not 0 <= feature < self.n_features:
            raise UserError(f"There is no feature {feature}: they are numbered 0 to {self.n_features - 1}.")
        return feature

    def to_json(self) -> dict[str, Any]:
        """What it is of, how large, and whether it is complete."""
        keys = ("key", "texts", "texts_done", "tokens", "complete", "seconds", "created", "settings")
        return {
            "path": str(self.folder),
            **self.about,
            **{key: self.manifest.get(key) for key in keys},
            "corpus": {key: self.corpus.get(key) for key in ("kind", "digest", "about")},
        }


def open_index(dictionary: Dictionary, *, key: str | None = None) -> Index:
    """The index of a dictionary: the one with this key, else the one over most tokens, also while it grows.

    Looked for in the workspace and beside the dictionary's files. Raises UserError if there is none, or if the one
    that would be opened is damaged.
    """
    found = [folder for folder in list_indexes(dictionary) if key is None or folder.name == key or _key(folder) == key]
    if not found:
        raise UserError(
            f"The dictionary {dictionary.name!r} has no index yet; `sae index {dictionary.name}` makes one."
        )
    for left in (2, 1, 0):
        before = _generation(found[0])
        try:
            return Index(found[0])
        except UserError:
            # One that grows may have removed what its manifest named a moment ago.
            if left == 0 or _generation(found[0]) == before:
                raise
    raise AssertionError("unreachable")


def list_indexes(dictionary: Dictionary) -> list[Path]:
    """Folders of all indexes of a dictionary that hold something to show, the one over most tokens first; of equals the
    newest."""
    folders = workspace.listed("indexes", f"*/{files.MANIFEST}")
    if dictionary.folder is not None:
        folders.append(dictionary.folder / BESIDE / files.MANIFEST)
    found = []
    for path in folders:
        manifest = files.read_manifest(path.parent)
        about = manifest.get("about") if manifest else None
        if manifest and isinstance(about, dict) and about.get("dictionary_key") == dictionary.key:
            tokens = manifest.get("tokens")
            if isinstance(tokens, int) and isinstance(manifest.get("files"), dict) and "columns" in manifest["files"]:
                found.append((tokens, str(manifest.get("created")), path.parent))
    return [folder for _, _, folder in sorted(found, reverse=True)]


def _generation(folder: Path) -> Any:
    return (files.read_manifest(folder) or {}).get("generation")


def _key(folder: Path) -> str:
    return str((files.read_manifest(folder) or {}).get("key"))


def _object(folder: Path, manifest: dict[str, Any], name: str) -> dict[str, Any]:
    value = manifest.get(name)
    if not isinstance(value, dict):
        raise UserError(f"{folder / files.MANIFEST} does not say {name!r}; build the index again.")
    return value


def _settings(folder: Path, manifest: dict[str, Any]) -> Settings:
    from core.directions.parameters import with_parameters

    try:
        return with_parameters(Settings(), _object(folder, manifest, "settings"))
    except UserError as error:
        raise UserError(f"{folder / files.MANIFEST} is damaged ({error}); build the index again.") from None
