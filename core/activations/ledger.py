"""Entering finished shards into a manifest, many at a time: one of ten thousand shards takes long to write."""

from __future__ import annotations

import time
from contextlib import suppress
from contextvars import copy_context
from threading import RLock, Timer
from typing import Self

from core.activations import shards
from core.activations.store import ShardEntry, Store
from core.errors import UserError

# Seconds between two manifests at the least, and this many times as long as writing one takes. What was written since
# is made again if this process is killed.
EVERY, PATIENCE = 1.0, 20


class Ledger:
    """Keeps the manifest of one store, whose shards others write. Call `close` in the end, or use it in a `with`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[int, ShardEntry] = {}
        self._last, self._cost = time.monotonic(), 0.0
        self._lock = RLock()  # the timer enters from a thread of its own
        self._timer: Timer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def enter(self, number: int, entry: ShardEntry) -> None:
        """Enter a shard now, or in time with those that end soon, whether or not this is called again."""
        with self._lock:
            self._waiting[number] = entry
            wait = self._last + max(EVERY, PATIENCE * self._cost) - time.monotonic()
            if wait <= 0:
                self.close()
            elif self._timer is None:
                self._timer = Timer(wait, copy_context().run, [self._ring])  # the present space goes along
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        """Enter all that waits."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            start = time.monotonic()
            if self._waiting:
                with shards.locked(self._store.recipe.key):
                    self._store.publish_all(self._waiting)
            self._waiting = {}
            self._last = time.monotonic()
            self._cost = self._last - start

    def _ring(self) -> None:
        with suppress(UserError):  # nobody hears it here: what waits still waits, and the next call says so
            self.close()
