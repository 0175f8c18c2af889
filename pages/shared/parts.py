"""Parts of a page that run by themselves: what is chosen in one does not run the rest of the page.

One part never lies within another. Where a click meets a page that is still being drawn, Streamlit (1.67) drops what
the clicked fragment had not sent yet, but keeps what fragments within it had: the browser is told to put things into
places that were never made, and shows an empty page. So a part that is asked for within another is drawn as a piece of
it; and if what it draws has to be looked at again, while a job runs, the outer one does so.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec

import streamlit as st

from pages.shared.door import require_entered

EVERY = 1.0  # seconds between looks at something small that moves
EVERY_WITHIN = 2.0  # the same where a whole part is drawn for it
P = ParamSpec("P")
_within: ContextVar[str | None] = ContextVar("part", default=None)  # the part that is being drawn


def part(draw: Callable[P, None], *, key: str | None = None) -> Callable[P, None]:
    """A function that draws a part of a page, made to run by itself. key: by which another part can have it run."""
    name = f"{draw.__module__}.{draw.__qualname__}"

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
        if _within.get() is not None:
            draw(*args, **kwargs)
            return
        looking = _moving().get(name, False)

        def alone() -> None:
            _moving()[name] = False
            _draw_within(name, lambda: draw(*args, **kwargs))
            if _moving()[name] != looking:  # it has begun, or ceased, to move
                st.rerun()

        st.fragment(alone, run_every=EVERY_WITHIN if looking else None, key=key)()

    return drawn


def run_only(key: str) -> None:
    """The last act of a callback: the part of that key is drawn again, instead of the part that was acted in."""
    st.rerun(key)


def moving(draw: Callable[[], None], *, every: float | None = EVERY) -> None:
    """Draw something that is to be drawn again every so many seconds; None: only once."""
    part_of = _within.get()
    if part_of is None:
        st.fragment(lambda: _draw_within("", draw), run_every=every)()
        return
    if every is not None:
        _moving()[part_of] = True
    draw()


def _draw_within(name: str, draw: Callable[[], None]) -> None:
    require_entered()
    token = _within.set(name)
    try:
        draw()
    finally:
        _within.reset(token)


def _moving() -> dict[str, bool]:
    """By part: whether something in it is to be looked at again."""
    found: dict[str, bool] = st.session_state.setdefault("_moving", {})
    return found
