"""What the pages keep in memory is left out when garbage is collected, and goes when it is let go."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from pages.shared import cached


class Circle:
    """Refers to itself, so that only the collector can free it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_is_kept_is_not_gone_through_until_it_is_released() -> None:
    gc.disable()
    try:
        kept = cached.settled(Circle())
        later = Circle()
        known = {id(one) for one in gc.get_objects()}
        assert id(later) in known
        assert id(kept) not in known
        gone = weakref.ref(kept)
        del kept
        gc.collect()
        assert gone() is not None
        cached.release(None)
        assert gone() is None
    finally:
        gc.enable()
