"""Which feature is looked into, told before the card with its widget is drawn."""

from __future__ import annotations

import streamlit as st

from pages.shared.links import linked_text, remembered


def chosen_feature(n_features: int) -> int | None:
    """Its number; None if none was chosen yet."""
    text = linked_text("feature")
    if text:
        value: object = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
    else:
        value = st.session_state.get("feature", remembered("feature"))
    return value if isinstance(value, int) and 0 <= value < n_features else None
