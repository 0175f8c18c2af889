"""What libraries hold is collected no more; what pages leave behind still is."""

from __future__ import annotations

import gc
import sys
import types
import weakref
from collections.abc import Iterator

import pytest

from pages.shared import collecting


class Knot:
    """An object that holds itself."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture(autouse=True)
def thawed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(collecting, "_known", 0)
    yield
    gc.unfreeze()


def test_it_is_done_once_and_again_when_libraries_were_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert collecting.spare_libraries()
    assert gc.get_freeze_count() > 100_000
    assert not collecting.spare_libraries()
    for number in range(collecting.MODULES):
        monkeypatch.setitem(sys.modules, f"made_up_{number}", types.ModuleType("made_up"))
    assert collecting.spare_libraries()


def test_what_is_garbage_before_or_after_goes_all_the_same() -> None:
    before = Knot()
    seen = [weakref.ref(before)]
    del before
    collecting.spare_libraries()
    after = Knot()
    seen.append(weakref.ref(after))
    del after
    gc.collect()
    assert [one() for one in seen] == [None, None]


def test_what_is_kept_is_gone_through_no_more_until_something_is_let_go() -> None:
    gc.disable()
    try:
        kept, later = collecting.spared(Knot()), Knot()
        known = {id(one) for one in gc.get_objects()}
        assert id(later) in known
        assert id(kept) not in known
        gone = weakref.ref(kept)
        del kept
        gc.collect()
        assert gone() is not None
        collecting.free(None)
        assert gone() is None
    finally:
        gc.enable()
