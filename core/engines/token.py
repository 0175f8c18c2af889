"""How a worker finds out whether it sees the workspace of the one that asks: by a file that nobody else can have."""

from __future__ import annotations

import os
import platform
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core import spaces, workspace


@dataclass(frozen=True)
class Token:
    """home: the asking process's workspace. name: of a file in it. word: what the file holds."""

    home: str
    name: str
    word: str

    @property
    def is_seen(self) -> bool:
        try:
            return (Path(self.home) / spaces.PARTS / self.name).read_text() == self.word
        except OSError:
            return False


@contextmanager
def standing_token() -> Iterator[Token]:
    """A token for as long as the context lasts; what a killed process leaves, `clear_parts` removes.

    Raises UserError where the workspace cannot be written.
    """
    name, word = f"{platform.node()}~{os.getpid()}~{secrets.token_hex(4)}.part", secrets.token_hex(16)
    path = workspace.place(spaces.PARTS, name)
    workspace.write_bytes(path, word.encode())
    try:
        yield Token(str(workspace.home()), name, word)
    finally:
        path.unlink(missing_ok=True)
