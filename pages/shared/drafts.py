"""What somebody has typed but not sent: kept while other pages are looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st


def draft(widget: Callable[..., Any], label: str, *, key: str = "", value: str = "", **options: Any) -> str:
    """Draw a text widget that still holds its text after a visit to another page. value: what it holds at first."""
    key = f"draft_{key or label}"
    kept: dict[str, str] = st.session_state.setdefault("drafts", {})
    if key not in st.session_state:
        st.session_state[key] = kept.get(key, value)
    text: str = widget(label, key=key, **options)
    kept[key] = text
    return text


def forget_drafts() -> None:
    """Begin anew, from the next run on."""
    for key in st.session_state.pop("drafts", {}):
        st.session_state.pop(key, None)
