"""Texts to index, each with the place where it can be found again: an index holds places, not texts."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.activations.recipe import corpus_hash
from core.errors import UserError
from core.examples import open_examples, read_texts
from core.examples.corpus import Part, Passage, corpus, passage_texts
from core.progress import Listener, silent

Kind = Literal["corpus", "examples", "file"]
KINDS: tuple[Kind, ...] = ("corpus", "examples", "file")


@dataclass(frozen=True, eq=False)
class Indexed:
    """Texts and their places. kind: where they are from: the bundled corpus, a set of examples, or a file.

    sets: names of files, sets or paths. places: (n, 4) int32, for each text the number of its set, its row there, and
    the characters from start to end. about: plain JSON for people.
    """

    kind: Kind
    sets: tuple[str, ...]
    places: NDArray[np.int32]
    texts: Sequence[str]
    about: dict[str, Any]

    @cached_property
    def digest(self) -> str:
        """Hash of the texts and their order."""
        return corpus_hash(self.texts)

    @cached_property
    def checks(self) -> NDArray[np.uint32]:
        """(n,) a check sum of each text, so that a source that changed is noticed."""
        return np.array([check_of(text) for text in self.texts], dtype=np.uint32)


def check_of(text: str) -> int:
    """CRC-32 of a text."""
    return zlib.crc32(text.encode("utf-8", errors="surrogatepass"))


def from_corpus(characters: int, *, part: Part = "train", seed: int = 0, progress: Listener = silent) -> Indexed:
    """Passages of the bundled corpus, balanced over its kinds; a token has about 4.3 characters."""
    drawn = corpus(characters=characters, part=part, seed=seed, progress=progress)
    sets = tuple(sorted({passage.set for passage in drawn.passages}))
    number = {name: place for place, name in enumerate(sets)}
    places = [(number[one.set], one.row, one.start, one.end) for one in drawn.passages]
    about = {"corpus": drawn.key, "part": part, "characters": sum(drawn.kinds.values()), "kinds": drawn.kinds}
    return Indexed("corpus", sets, np.array(places, dtype=np.int32).reshape(-1, 4), drawn.texts, about)


def from_examples(id: str, *, limit: int | None = None) -> Indexed:
    """All texts of a set of examples, each once."""
    examples = open_examples(id, limit=limit)
    rows = list({text: row for row, text in reversed(list(enumerate(examples.texts)))}.values())
    rows.sort()
    about = {"examples": examples.id, "digest": examples.digest, "limit": limit}
    return _whole("examples", id, [examples.texts[row] for row in rows], rows, about)


def from_file(path: str) -> Indexed:
    """The texts of a TXT file (one a line), CSV or JSONL."""
    texts = read_texts(path)
    return _whole("file", str(Path(path).expanduser().resolve()), texts, range(len(texts)), {"file": path})


def texts_at(
    kind: Kind, sets: Sequence[str], places: NDArray[np.int32], about: dict[str, Any] | None = None
) -> list[str]:
    """The texts at some places, read from their source; what is not there any more is ''."""
    if kind == "corpus":
        try:
            return passage_texts([Passage(sets[at], row, start, end) for at, row, start, end in places.tolist()])
        except UserError:
            return [""] * len(places)
    found: dict[int, Sequence[str]] = {}
    for number in {int(at) for at in places[:, 0]}:
        try:
            limit = (about or {}).get("limit")
            name = sets[number]
            found[number] = open_examples(name, limit=limit).texts if kind == "examples" else read_texts(name)
        except UserError:
            found[number] = ()
    return [found[at][row][start:end] if row < len(found[at]) else "" for at, row, start, end in places.tolist()]


def _whole(kind: Kind, name: str, texts: list[str], rows: Sequence[int], about: dict[str, Any]) -> Indexed:
    places = [(0, row, 0, len(text)) for row, text in zip(rows, texts, strict=True)]
    return Indexed(kind, (name,), np.array(places, dtype=np.int32).reshape(-1, 4), texts, about)
