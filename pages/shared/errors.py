"""How a page says that something cannot be done: the sentence, without a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import UserError
from pages.shared.text import plain


@contextmanager
def mendable(*, stop: bool = False) -> Iterator[None]:
    """Show a UserError raised inside as one sentence; with `stop` end the page there."""
    try:
        yield
    except UserError as error:
        st.error(plain(str(error)), icon=":material/error:")
        if stop:
            st.stop()
