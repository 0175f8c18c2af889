"""What sessions share on the TCAV page: bounded, and changed by one of them at a time."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import streamlit as st

from core.examples import open_images, save_images
from pages.shared import cached_tcav
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


def test_sets_of_images_are_bounded_by_the_bytes_that_they_hold(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    st.cache_resource.clear()
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for number in range(2):
            pixels = PIL.Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8))
            pixels.save(tmp_path / name / f"{number}.png")
        save_images(name, tmp_path / name)
    size = cached_tcav._bytes_in(cached_tcav.images("saved/one", None))
    assert size == sum(path.stat().st_size for path in (tmp_path / "one").iterdir())
    assert cached_tcav._bytes_in(open_images("patches/saved/one", limit=20)) <= size
    assert cached_tcav._bytes_in(open_images(str(tmp_path / "one"))) == 0  # read when they are loaded
    st.cache_resource.clear()
    monkeypatch.setattr(cached_tcav, "IMAGE_BYTES", int(1.5 * size))
    monkeypatch.setattr(cached_tcav, "SECONDS", 10**9)
    first = cached_tcav.images("saved/one", None)
    assert cached_tcav.images("saved/one", None) is first
    cached_tcav.images("saved/two", None)
    assert cached_tcav._images().names() == [("", "saved/two", None, 0)]
    st.cache_resource.clear()


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
