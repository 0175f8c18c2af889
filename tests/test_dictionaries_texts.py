"""The texts of an index: what was kept of them, and their source, which counts where that is damaged."""

from __future__ import annotations

from pathlib import Path

from core import workspace
from core.dictionaries import Dictionary
from core.dictionaries.index import Index
from tests.test_dictionaries_features import TEXTS, words  # noqa: F401 (a fixture)


def test_a_text_whose_kept_form_is_damaged_is_read_from_its_source(
    words: tuple[Dictionary, Index],  # noqa: F811
    tmp_path: Path,
) -> None:
    _, index = words
    (kept,) = (index.folder.parent / "texts").iterdir()
    whole, there = index.texts.of(range(len(TEXTS))), index.texts.holding("evening").tolist()
    data = bytearray(kept.read_bytes())
    text = TEXTS[there[0]].encode()
    data[data.index(text) + text.index(b"evening")] ^= 1
    workspace.write_bytes(kept, bytes(data))
    again = Index(index.folder).texts
    assert again.holding("evening").tolist() == there
    assert again.of(range(len(TEXTS))) == whole
    (tmp_path / "texts.txt").unlink()
    assert Index(index.folder).texts.of(there[:2]) == ["", whole[there[1]]]
    assert Index(index.folder).texts.holding("evening").tolist() == there[1:]
