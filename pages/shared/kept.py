"""A shelf of things that all sessions share: bounded by number and by size, and changed by one of them at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Shelf(Generic[K, V]):
    """most: how many it holds at the most. most_bytes, size: how many bytes, and how many a thing takes.

    What was put or asked for longest ago goes first; the last thing that was put stays, however large it is.
    """

    def __init__(self, most: int, *, most_bytes: int | None = None, size: Callable[[V], int] = lambda _: 0) -> None:
        self._most, self._most_bytes, self._size = most, most_bytes, size
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """What stands there, if it still does."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, things: Mapping[K, V]) -> None:
        """Add what was found under these keys, and let go of what is too much."""
        with self._lock:
            for key, thing in things.items():
                self._kept[key] = thing
                self._kept.move_to_end(key)
            while len(self._kept) > 1 and (len(self._kept) > self._most or self._too_large()):
                self._kept.popitem(last=False)

    def names(self) -> list[K]:
        """Those of now; others may put and let go while they are looked at."""
        with self._lock:
            return list(self._kept)

    def _too_large(self) -> bool:
        return self._most_bytes is not None and sum(map(self._size, self._kept.values())) > self._most_bytes
