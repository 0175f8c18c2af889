"""The engine that is always there: this process, one piece after the other."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from core.engines.team import Done, Holder, Opener, Piece
from core.progress import Listener, silent


@dataclass(frozen=True)
class LocalEngine:
    """See Engine."""

    @contextmanager
    def team(self, opener: Opener, given: Any = None, *, progress: Listener = silent) -> Iterator[LocalTeam]:
        del progress
        yield LocalTeam(Holder(opener, given))


@dataclass(frozen=True)
class LocalTeam:
    """A team of one."""

    holder: Holder

    @property
    def identity(self) -> dict[str, Any]:
        return self.holder.identity

    def run(self, pieces: Sequence[Piece], *, ordered: bool = False) -> Iterator[Done]:
        del ordered
        for place, piece in enumerate(pieces):
            yield Done(place, piece.done_by(self.holder), f"{platform.node()}:{os.getpid()}")
