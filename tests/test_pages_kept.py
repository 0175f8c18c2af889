"""What sessions share on the TCAV page: bounded, and changed by one of them at a time."""

from __future__ import annotations

import sys
import threading

from pages.shared.kept import Shelf


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    shelf: Shelf[str, str] = Shelf(2)
    shelf.put({"a": "one", "b": "two"})
    assert shelf.get("a") == "one"
    shelf.put({"c": "three"})
    assert (shelf.get("b"), shelf.names()) == (None, ["a", "c"])


def test_it_is_bounded_by_bytes_but_holds_what_was_just_put() -> None:
    shelf: Shelf[int, bytes] = Shelf(9, most_bytes=10, size=len)
    for number in range(4):
        shelf.put({number: b"1234"})
    assert shelf.names() == [2, 3]
    shelf.put({4: b"far too large for it"})
    assert shelf.names() == [4]


def test_sessions_may_look_while_another_puts() -> None:
    """A plain dictionary raises here: it changes its size while it is walked."""
    shelf: Shelf[tuple[int, int], int] = Shelf(50)
    done: list[int] = []

    def busy(session: int) -> None:
        for number in range(2000):
            shelf.put({(session, number): number})
            assert shelf.get((session, number)) in (number, None)
            assert len([key for key in shelf.names() if key[0] >= 0]) <= 50
        done.append(session)

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=busy, args=(session,)) for session in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(usual)
    assert sorted(done) == [0, 1, 2, 3]
