"""The texts of an index, read from their source when they are shown, and kept in the workspace for the next time."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from core import workspace
from core.dictionaries.index.corpora import Indexed, Kind, check_of, texts_at
from core.progress import Listener, Progress, silent

STEP = 2000  # texts that are read from their source between two words on progress


def keep_texts(indexed: Indexed) -> None:
    """Lay the texts down in the workspace, where cards find them at once; never with an index that is passed on."""
    if not workspace.found(*_parts(indexed.digest)).is_file():
        _write(indexed.digest, indexed.texts)


class Texts:
    """The texts of an index by number. checks: (n,) CRC-32 of each; a text that is not what was indexed is ''."""

    def __init__(
        self,
        kind: Kind,
        sets: Sequence[str],
        places: NDArray[np.int32],
        checks: NDArray[np.uint32],
        digest: str,
        about: dict[str, Any],
    ) -> None:
        self.kind, self.sets, self.places, self.checks = kind, tuple(sets), places, checks
        self._digest, self._about = digest, about
        self._found: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.places)

    def of(self, numbers: Sequence[int]) -> list[str]:
        """Texts by number; '' for one whose source is gone or was changed."""
        missing = [number for number in dict.fromkeys(numbers) if number not in self._found]
        if len(self._found) + len(missing) > 20_000:
            self._found.clear()
            missing = list(dict.fromkeys(numbers))
        self._found |= self._read(missing)
        return [self._found[number] for number in numbers]

    def is_kept(self) -> bool:
        """Whether the texts lie in the workspace, so that reading some takes no time."""
        return self._kept is not None

    def keep(self, *, progress: Listener = silent) -> None:
        """Read all texts from their source and lay them down in the workspace, if they are not there."""
        if self.is_kept():
            return
        texts: list[str] = []
        order = np.argsort(self.places[:, 0], kind="stable")  # each file is opened once
        for start in range(0, len(order), STEP):
            progress(Progress(start, len(order), "texts", "reading the indexed texts"))
            texts += texts_at(self.kind, self.sets, self.places[order[start : start + STEP]], self._about)
        back = np.argsort(order, kind="stable")
        _write(self._digest, [texts[place] for place in back])
        self.__dict__.pop("_kept", None)
        self._found.clear()

    def holding(self, words: str) -> NDArray[np.int64]:
        """Numbers of the texts that hold these words, cases ignored; reads all texts."""
        wanted = words.casefold()
        self.keep()
        found: list[int] = []
        for start in range(0, len(self), STEP):
            texts = self._read(range(start, min(start + STEP, len(self))))
            found += [number for number, text in texts.items() if text and wanted in text.casefold()]
        return np.array(found, dtype=np.int64)

    def source(self, number: int) -> dict[str, Any]:
        """Where a text is from: its set, row and first character there."""
        at, row, start, _ = self.places[number].tolist()
        return {"set": self.sets[at], "row": row, "start": start}

    def _read(self, numbers: Sequence[int]) -> dict[int, str]:
        """Each of these texts as it was kept; if none was or it is damaged, from its source; '' if that fails."""
        found: dict[int, str] = {}
        if (kept := self._kept) is not None:
            for number in numbers:
                data = _slice(kept, number)
                if zlib.crc32(data) == int(self.checks[number]):
                    found[number] = data.decode("utf-8", errors="surrogatepass")
        if missing := [number for number in numbers if number not in found]:
            read = texts_at(self.kind, self.sets, self.places[missing], self._about)
            for number, text in zip(missing, read, strict=True):
                found[number] = text if check_of(text) == int(self.checks[number]) else ""
        return {number: found[number] for number in numbers}

    @cached_property
    def _kept(self) -> dict[str, NDArray] | None:
        path = workspace.found(*_parts(self._digest))
        try:
            arrays = safetensors.numpy.load_file(path)
        except (OSError, safetensors.SafetensorError):
            return None
        sound = {"text", "ends"} <= set(arrays) and arrays["ends"].shape == (len(self),)
        return dict(arrays) if sound else None


def _path(digest: str) -> Path:
    return workspace.place(*_parts(digest))


def _parts(digest: str) -> tuple[str, str, str]:
    return "indexes", "texts", f"{workspace.checked_name(digest)}.safetensors"


def _write(digest: str, texts: Sequence[str]) -> None:
    data = [text.encode("utf-8", errors="surrogatepass") for text in texts]
    ends = np.cumsum([len(one) for one in data], dtype=np.int64)
    whole = np.frombuffer(b"".join(data), dtype=np.uint8)
    workspace.write_bytes(_path(digest), safetensors.numpy.save({"text": whole, "ends": ends}))


def _slice(kept: dict[str, NDArray], number: int) -> bytes:
    ends = kept["ends"]
    return bytes(kept["text"][int(ends[number - 1]) if number else 0 : int(ends[number])])
