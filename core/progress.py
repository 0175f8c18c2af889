"""How long work reports on itself: plain values, so that pages, jobs and the command line can all listen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """A moment of some long work.

    done, total: in `unit`s; total is 0 while it is not known. note: what is being done, for people.
    """

    done: int
    total: int
    unit: str = "texts"
    note: str = ""


Listener = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """Listen to nothing."""
