"""Indexes that were passed on by somebody: whole by their check sums, and wrong all the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.dictionaries.index import Index, build_index, files
from core.errors import UserError
from core.models import Model
from tests.test_dictionaries_index import SMALL, TEXTS, bound, indexed, topk

Arrays = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def whole(tiny: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sound index."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCEPTSCOPE_HOME", str(tmp_path_factory.mktemp("home")))
        return build_index(tiny, bound(tiny, topk()), indexed(TEXTS[:8]), SMALL)


def changed(folder: Path, to: Path, name: str, change: Callable[[Arrays], None]) -> Path:
    """A copy in which the arrays of one file are others, with check sums that fit."""
    to.mkdir()
    for path in folder.iterdir():
        (to / path.name).write_bytes(path.read_bytes())
    manifest = files.read_manifest(to)
    assert manifest is not None
    arrays = {key: np.array(array) for key, array in files.load(to, manifest, name).items()}
    change(arrays)
    writer = files.Writer(to, manifest)
    writer.write(name, arrays)
    writer.publish()
    return to


def put(name: str, value: Any) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays[name].reshape(-1)[0] = value

    return change


def remove(name: str) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        del arrays[name]

    return change


def shorten(name: str) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays[name] = arrays[name][:-1]

    return change


WRONG: dict[str, tuple[str, Callable[[Arrays], None]]] = {
    "a text that there is not": ("columns", put("example_text", 10**6)),
    "a sampled text that there is not": ("columns", put("seen_text", -1)),
    "a feature that there is not": ("columns", put("seen_feature", 10**6)),
    "a partner that there is not": ("columns", put("together_id", 10**6)),
    "a band that there is not": ("columns", put("example_band", 99)),
    "codes that do not add up": ("columns", put("seen_size", 10**6)),
    "a column too few": ("columns", remove("quantiles")),
    "a line too few": ("columns", shorten("example_value")),
    "a neighbour that there is not": ("weights", put("near_id", 10**6)),
    "no logits": ("weights", remove("up")),
    "a set that there is not": ("places", put("places", 7)),
    "no check sums": ("places", shorten("checks")),
    "windows of another size": ("windows", shorten("window")),
}


@pytest.mark.parametrize("what", WRONG)
def test_arrays_that_point_nowhere_are_refused(whole: Path, home: Path, what: str) -> None:
    home.mkdir()
    name, change = WRONG[what]
    with pytest.raises(UserError, match=r"build it again|build the index again"):
        Index(changed(whole, home / "theirs", name, change))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 99),
        ("about", "text"),
        ("corpus", None),
        ("corpus", {"kind": "web", "sets": [], "digest": "x"}),
        ("corpus", {"kind": "file", "sets": [3], "digest": "x"}),
        ("settings", {"top": 10**9}),
        ("settings", {"colour": 1}),
        ("settings", None),
        ("files", {}),
        ("files", {"columns": {"file": "../../secret", "sha256": "0", "bytes": 1}}),
        ("files", {"columns": {"file": 3}}),
        ("files", []),
    ],
)
def test_manifests_that_mislead_are_refused(whole: Path, home: Path, key: str, value: Any) -> None:
    home.mkdir()
    folder = changed(whole, home / "theirs", "weights", lambda arrays: None)
    manifest = files.read_manifest(folder) or {}
    (folder / files.MANIFEST).write_text(json.dumps({**manifest, key: value}))
    with pytest.raises(UserError):
        Index(folder)


def test_a_sound_copy_opens(whole: Path, home: Path) -> None:
    home.mkdir()
    index = Index(changed(whole, home / "theirs", "weights", lambda arrays: None))
    assert index.windows(0).shape == (SMALL.top + 15, SMALL.window)
