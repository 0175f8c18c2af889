"""How a page says that something cannot be done: the sentence, without a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import UserError
from pages.shared.links import refused
from pages.shared.text import plain, shortened


@contextmanager
def mendable(*, stop: bool = False) -> Iterator[None]:
    """Show a UserError raised inside as one sentence; with `stop` end the page there."""
    try:
        yield
    except UserError as error:
        st.error(plain(str(error)), icon=":material/error:")
        if stop:
            st.stop()


def say_refused() -> None:
    """What the page's link asked for in vain, and what stands in its place."""
    for one in refused():
        asked, taken = (plain(shortened(str(text), 80)) for text in (one.text, one.taken))
        st.warning(
            f"The link asks for “{asked}” as {one.label}, which cannot be chosen here; it is “{taken}” instead.",
            icon=":material/link_off:",
        )
