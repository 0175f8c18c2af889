"""The words of the indexed texts, by token: what labels are made of and tested with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.dictionaries.index.index import Index
from core.progress import Listener, Progress, silent

if TYPE_CHECKING:
    from core.models import Model

# Bytes above 127 are letters of some script; what is neither letter nor digit is a word of its own, mark by mark.
_WORD = re.compile(rb"[A-Za-z0-9_\x80-\xff]+(?:'[A-Za-z]+)?|[^\sA-Za-z0-9_\x80-\xff]")
LONGEST = 40  # characters of a word
STEP = 1000  # texts


class Reading:
    """numbers: (r,) texts that were read, ascending. bounds: (r + 1,) where the tokens of each begin. word: (tokens,)
    number of the word that each token is part of, -1 for white space. words: by number, in lower case."""

    def __init__(
        self, numbers: NDArray[np.int64], bounds: NDArray[np.int64], word: NDArray[np.int32], words: list[str]
    ) -> None:
        self.numbers, self.bounds, self.word, self.words = numbers, bounds, word, words
        self.number = {text: place for place, text in enumerate(words)}

    @property
    def n_words(self) -> int:
        return len(self.words)

    def at(self, texts: NDArray, positions: NDArray) -> NDArray[np.int32]:
        """Word at each (text, position), of any shapes that fit together; -1 where there is none."""
        texts, positions = np.broadcast_arrays(texts, positions)
        place = np.minimum(np.searchsorted(self.numbers, texts), max(len(self.numbers) - 1, 0))
        token = self.bounds[place] + positions
        inside = (positions >= 0) & (token < self.bounds[place + 1]) & (self.numbers[place] == texts)
        return np.where(inside, self.word[np.where(inside, token, 0)], -1).astype(np.int32)

    def has(self, texts: NDArray, positions: NDArray) -> NDArray[np.bool_]:
        """Whether there is a token at each (text, position): not where a source is gone."""
        place = np.minimum(np.searchsorted(self.numbers, texts), max(len(self.numbers) - 1, 0))
        token = self.bounds[place] + positions
        return (self.numbers[place] == texts) & (token < self.bounds[place + 1])


def read_words(index: Index, model: Model, *, progress: Listener = silent) -> Reading:
    """The words of all texts in which an index has an example or a sampled token."""
    from core.models import tokenize
    from core.models.pieces import token_bytes

    columns = index.columns
    named = [columns[name].ravel() for name in ("example_text", "sample_text", "seen_text")]
    numbers = np.unique(np.concatenate(named))
    numbers = numbers[numbers >= 0].astype(np.int64)
    known: dict[int, bytes] = {}
    words: dict[str, int] = {}
    found: list[NDArray[np.int32]] = []
    index.texts.keep(progress=progress)
    for start in range(0, len(numbers), STEP):
        part = numbers[start : start + STEP].tolist()
        texts = index.texts.of(part)
        there = [place for place, text in enumerate(texts) if text]
        ids = dict(
            zip(there, tokenize(model, [texts[place] for place in there], index.settings.max_length), strict=True)
        )
        for place in range(len(part)):
            own = ids.get(place, [])
            for id in own:
                if id not in known:
                    known[id] = token_bytes(model, id)
            found.append(_words_of([known[id] for id in own], words))
        progress(Progress(start, len(numbers), "texts", "reading words"))
    lengths = [len(one) for one in found]
    bounds = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Reading(numbers, bounds, np.concatenate([*found, np.zeros(1, dtype=np.int32)]), list(words))


def _words_of(pieces: list[bytes], words: dict[str, int]) -> NDArray[np.int32]:
    """Number of the word in which each token's first mark that is no white space stands; new words are entered."""
    data = b"".join(pieces)
    spans = [(match.start(), match.end()) for match in _WORD.finditer(data)]
    ends = np.array([end for _, end in spans], dtype=np.int64)
    found = np.full(len(pieces), -1, dtype=np.int32)
    at = 0
    for place, piece in enumerate(pieces):
        first = at + len(piece) - len(piece.lstrip())
        at += len(piece)
        if first >= at:
            continue
        span = int(np.searchsorted(ends, first, side="right"))
        if span < len(spans) and spans[span][0] <= first:
            text = data[slice(*spans[span])].decode("utf-8", errors="replace").lower()[:LONGEST]
            found[place] = words.setdefault(text, len(words))
    return found
