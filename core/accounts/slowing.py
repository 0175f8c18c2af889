"""How wrong passwords are slowed down: an attempt that comes too soon is not looked at.

Nobody waits on the server: whoever is too soon hears how long it takes, and is not counted again. Failures count by the
pair of a name and an address, so that opening new sessions changes nothing. The wait doubles with each failure after
the third: with all those from one address, up to a minute; with all those for one name, up to ten seconds, counted from
the same address's last attempt. So a stranger who tries somebody's name for ever slows down himself, while the one
whose name it is, at another address or at one where the name was signed in before, is looked at.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

FREE = 3  # failures that cost nothing
MOST_BY_ADDRESS, MOST_BY_NAME = 60.0, 10.0  # seconds
CALM = 900.0  # seconds after which a pair's failures are forgotten
PAIRS = 20_000  # that are remembered at the most


@dataclass
class _Tried:
    failures: int = 0
    last: float = 0.0


class Slowing:
    """clock: seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._pairs: dict[tuple[str, str], _Tried] = {}
        self._known: dict[tuple[str, str], None] = {}

    def begin(self, name: str, address: str) -> float:
        """Before a password is looked at: 0, and it counts as wrong until `succeeded`; else the seconds to wait."""
        pair, now = (name, lane(address)), self._clock()
        with self._lock:
            self._forget(now)
            wait = self._due(pair) - now
            if wait > 0:
                return wait
            tried = self._pairs.pop(pair, _Tried())
            self._pairs[pair] = _Tried(tried.failures + 1, now)  # the latest at the end
            return 0.0

    def succeeded(self, name: str, address: str) -> None:
        """The password was right: that name's failures at this address are forgotten, those of other names are not."""
        pair = (name, lane(address))
        with self._lock:
            self._pairs.pop(pair, None)
            self._known.pop(pair, None)
            self._known[pair] = None
            while len(self._known) > PAIRS:
                del self._known[next(iter(self._known))]

    def _due(self, pair: tuple[str, str]) -> float:
        own = self._pairs.get(pair)
        by_pair = own.last if own else float("-inf")
        if pair in self._known:
            return by_pair + _wait(own.failures if own else 0, MOST_BY_NAME)
        name, address = pair
        for_name = sum(tried.failures for (one, _), tried in self._pairs.items() if one == name)
        from_here = [tried for (_, one), tried in self._pairs.items() if one == address]
        by_address = max((tried.last for tried in from_here), default=float("-inf"))
        return max(
            by_pair + _wait(for_name, MOST_BY_NAME),
            by_address + _wait(sum(tried.failures for tried in from_here), MOST_BY_ADDRESS),
        )

    def _forget(self, now: float) -> None:
        old = [pair for pair, tried in self._pairs.items() if tried.last < now - CALM]
        old += list(self._pairs)[: max(0, len(self._pairs) - len(old) - PAIRS)]
        for pair in old:
            self._pairs.pop(pair, None)


def lane(address: str) -> str:
    """What counts as one address: of IPv6 the first 64 bits, since one household has all that begin so.

    An address of IPv4 in the form that a socket for both gives it (`::ffff:192.0.2.1`) is that of IPv4.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    found = getattr(found, "ipv4_mapped", None) or found
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)


def _wait(failures: int, most: float) -> float:
    return min(most, 2.0 ** (failures - FREE)) if failures >= FREE else 0.0
