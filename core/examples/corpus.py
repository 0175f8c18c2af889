"""A corpus to train and index dictionaries on: the 155 files of the `sae-probes` wheel, each text once, in passages.

`corpus.csv`, beside this file, says of which kind each file is (code, news, chat, ...). Kinds differ a hundredfold in
size; the same number of characters is taken of each, as far as it goes, so that no kind rules the corpus. Passages are
named by (set, row, start), so that whatever is made from them can point to a text without repeating it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from core import workspace
from core.errors import UserError
from core.examples import bundled
from core.examples.grouping import tidied
from core.progress import Listener, Progress, silent

Part = Literal["train", "held out"]

FORMAT = 1  # raised when another corpus comes out
LONGEST = 700  # characters of a passage: prose has about 170 tokens then, source code stays below 256
SHORTEST = 8  # characters; what is left over at the end of a text is dropped below it
MOST_HELD_OUT = 3000  # passages
HELD_OUT = 50  # one text in so many is never trained on


@dataclass(frozen=True)
class Passage:
    """A piece of a text: characters start to end of row `row` (counted from 0) of the wheel's file `set`."""

    set: str
    row: int
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Corpus:
    """Passages in a shuffled order, and their texts.

    kinds: characters taken of each kind. key: 24 hexadecimal digits of all that decides which passages these are.
    """

    passages: Sequence[Passage]
    texts: Sequence[str]
    kinds: dict[str, int]
    key: str

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class HeldOut:
    """Passages that nothing is trained on. groups: passages of one text share a number, and are resampled together."""

    texts: tuple[str, ...]
    groups: tuple[int, ...]


def corpus(
    *, characters: int | None = None, part: Part = "train", seed: int = 0, progress: Listener = silent
) -> Corpus:
    """The corpus, balanced over kinds; some 15 seconds.

    characters: how many in all, about a quarter as many as tokens; None takes everything, unbalanced. part: one text in
    50, told by its content, is held out. Texts that are equal but for case and white space count as one, and so do
    passages. Raises UserError if the wheel is not installed.
    """
    if characters is not None and characters < 1:
        raise UserError(f"A corpus of {characters} characters holds nothing; ask for more.")
    chance = random.Random(seed)  # noqa: S311 (an order, not a secret)
    by_kind: dict[str, list[tuple[Passage, str]]] = {}
    for kind, passage, text in _new_passages(part, progress):
        by_kind.setdefault(kind, []).append((passage, text))
    sizes = {kind: sum(len(text) for _, text in found) for kind, found in by_kind.items()}
    level = _level(list(sizes.values()), characters)
    chosen: list[tuple[Passage, str]] = []
    for kind, found in sorted(by_kind.items()):
        chance.shuffle(found)
        left = level
        for passage, text in found:
            if left <= 0:
                break
            left -= len(text)
            chosen.append((passage, text))
        sizes[kind] = min(sizes[kind], level - left)
    chance.shuffle(chosen)
    key = workspace.digest(["corpus", FORMAT, bundled.version(), _table_text(), characters, part, seed, LONGEST])
    return Corpus([passage for passage, _ in chosen], [text for _, text in chosen], sizes, key)


def held_out(n: int = MOST_HELD_OUT, *, progress: Listener = silent) -> HeldOut:
    """The first `n` (at most 3,000) passages of the balanced held-out part; kept in the workspace once drawn."""
    path = workspace.place("examples", "bundled", f"held-out-{FORMAT}-{bundled.version()}.json")
    cached = workspace.read_json(workspace.found("examples", "bundled", path.name))
    if not isinstance(cached, dict) or len(cached.get("texts", [])) != MOST_HELD_OUT:
        drawn = corpus(characters=2_000_000, part="held out", progress=progress)
        sources = [f"{passage.set} {passage.row}" for passage in drawn.passages[:MOST_HELD_OUT]]
        numbers = {name: number for number, name in enumerate(dict.fromkeys(sources))}
        cached = {"texts": list(drawn.texts[:MOST_HELD_OUT]), "groups": [numbers[name] for name in sources]}
        workspace.write_json(path, cached)
    return HeldOut(tuple(cached["texts"][:n]), tuple(cached["groups"][:n]))


def passage_texts(passages: Sequence[Passage]) -> list[str]:
    """The texts of passages, read from the wheel; each file is opened once. Raises UserError for one not there."""
    wanted: dict[str, list[int]] = {}
    for number, passage in enumerate(passages):
        wanted.setdefault(passage.set, []).append(number)
    found = [""] * len(passages)
    for name, numbers in wanted.items():
        if name not in _kinds():
            raise UserError(f"There is no file {name!r} in the corpus.")
        asked = {passages[number].row for number in numbers}
        rows = {row: text for row, (text,) in enumerate(_rows(name, "prompt")) if row in asked}
        for number in numbers:
            passage = passages[number]
            text = rows.get(passage.row, "")
            if passage.end > len(text):
                raise UserError(f"Row {passage.row} of {name!r} is not there, or shorter than it was.")
            found[number] = text[passage.start : passage.end]
    return found


def cuts(text: str) -> list[tuple[int, int]]:
    """Where a text is cut into passages of at most 700 characters, at white space where there is some."""
    found, start = [], 0
    while start < len(text):
        end = min(start + LONGEST, len(text))
        if end < len(text):
            # Not within the first half: a word of 350 characters is no word.
            space = max(text.rfind(mark, start + LONGEST // 2, end) for mark in (" ", "\n", "\t"))
            end = space if space > 0 else end
        if len(text[start:end].strip()) >= SHORTEST or (start == 0 and end == len(text) and text.strip()):
            found.append((start, end))
        start = end
    return found


def _new_passages(part: Part, progress: Listener) -> list[tuple[str, Passage, str]]:
    """Kind, place and text of every passage of the part asked for that did not come before.

    Licences and the like stand in many texts: a passage that is trained on anywhere is held out nowhere.
    """
    found: list[tuple[str, Passage, str, bytes]] = []
    seen: set[bytes] = set()
    trained: set[bytes] = set()
    for kind, name, row, text, apart in _new_texts(progress):
        if part == "train" and apart:
            continue
        for start, end in cuts(text):
            print_ = _print(tidied(text[start:end]))
            if not apart:
                trained.add(print_)
            if apart == (part == "held out") and print_ not in seen:
                seen.add(print_)
                found.append((kind, Passage(name, row, start, end), text[start:end], print_))
    return [(kind, at, text) for kind, at, text, print_ in found if part == "train" or print_ not in trained]


def _new_texts(progress: Listener) -> Iterator[tuple[str, str, int, str, bool]]:
    """Kind, set, row and text of every row whose text did not come before, and whether it is held out."""
    seen: set[bytes] = set()
    as_written: set[str] = set()  # half of all rows repeat an earlier one to the letter, which is seen at once
    sets = _kinds()
    for number, (name, (kind, target, other)) in enumerate(sets.items()):
        progress(Progress(number, len(sets), "sets", "reading the corpus"))
        for row, (of_target, text) in enumerate(_rows(name, "target", "prompt")):
            if text in as_written or "\0" in text:
                continue
            as_written.add(text)
            print_ = _print(tidied(text))
            if print_ in seen:
                continue
            seen.add(print_)
            apart = int.from_bytes(print_[:4], "little") % HELD_OUT == 0
            yield (other if target and of_target == target else kind), name, row, text, apart
    progress(Progress(len(sets), len(sets), "sets", "reading the corpus"))


def _rows(name: str, *columns: str) -> Iterator[tuple[str, ...]]:
    return bundled.table_rows(f"cleaned_data/{name}.csv.zst", *columns)


def _level(sizes: Sequence[int], total: int | None) -> int:
    """How many characters each kind may have so that all together have `total`: the small ones give all they have."""
    if total is None or total >= sum(sizes):
        return max(sizes, default=0)
    left = total
    for number, size in enumerate(sorted(sizes)):
        share = left // (len(sizes) - number)
        if size >= share:
            return share
        left -= size
    return max(sizes)


@cache
def _kinds() -> dict[str, tuple[str, str, str]]:
    """By file: its kind, and a target whose rows are of another kind, which one."""
    return {row[0]: (row[1], row[2], row[3]) for row in list(csv.reader(io.StringIO(_table_text())))[1:]}


@cache
def _table_text() -> str:
    return Path(__file__).with_name("corpus.csv").read_text(encoding="utf-8")


def _print(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", errors="surrogatepass"), digest_size=12).digest()
