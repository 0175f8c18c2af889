"""One worker: what runs in the process that an engine starts."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.engines.team import Holder, Opener, Piece
from core.engines.token import Token
from core.errors import UserError


@dataclass(frozen=True)
class Answer:
    """value: of the piece, or None where there is an error: a sentence for the user. identity: see Holder."""

    value: Any
    worker: str
    identity: dict[str, Any] | None
    error: str | None = None


class Member:
    """Holds a model, loaded when it is first needed, so that a process that was started again comes back by itself."""

    def __init__(self, opener: Opener, fetch: Callable[[], Any] | None, token: Token, threads: int) -> None:
        """fetch: what came with the team, see Holder."""
        shared = token.is_seen
        if shared:
            os.environ["CONCEPTSCOPE_HOME"] = token.home
        self._holder, self._fetch, self._threads = Holder(opener, None, shared), fetch, threads
        self._name = f"{platform.node()}:{os.getpid()}"
        self._limits: Any = None

    def identity(self) -> Answer:
        """What decides this worker's numbers."""
        try:
            self._settle()
            return Answer(self._holder.identity, self._name, self._holder.identity)
        except UserError as error:
            return Answer(None, self._name, None, str(error))

    def do(self, place: int, piece: Piece) -> Answer:
        try:
            self._settle()
            value = piece.done_by(self._holder)
            return Answer((place, value), self._name, self._holder.identity)
        except UserError as error:
            return Answer(None, self._name, None, str(error))

    def _settle(self) -> None:
        """Workers of one machine share its processors out; left alone, each would start a thread for every one."""
        if self._limits is not None:
            return
        if self._fetch is not None:
            self._holder.given = self._fetch()
        import torch
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        torch.set_num_threads(self._threads)
        self._limits = threadpool_limits(self._threads)
