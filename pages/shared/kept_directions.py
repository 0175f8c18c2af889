"""Saved directions kept in order: renamed, deleted and brought back, taken away as files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.downloads import download_button
from pages.shared.errors import mendable
from pages.shared.links import want
from pages.shared.text import plain

if TYPE_CHECKING:
    from core.directions import Direction

_DELETED = "deleted_direction"  # in the session: the direction that can be brought back with one press


def export_button(one: Direction) -> None:
    """Every format that the direction can be written in; of the others, why not."""
    from core.directions import FORMATS, export
    from core.errors import UserError

    with st.popover("Export", icon=":material/download:"):
        for name, format in FORMATS.items():
            try:
                data = export([one], name)
            except UserError as reason:
                st.caption(f"{format.title}: {plain(str(reason))}")
                continue
            download_button(
                format.title,
                data,
                file_name=f"{one.name}{format.suffix}",
                mime=format.mime,
                on_click="ignore",
                help=format.help,
                key=f"export_{name}",
            )
        st.caption(
            "The vector has length 1 in these files, so that a strength elsewhere is a raw coefficient here. `python "
            "-m core direction export` makes it a dose (`--per-dose`) and joins layers in one file."
        )


def rename_and_delete(one: Direction) -> None:
    """Another name; or away with it, which can be taken back."""
    from core.directions import delete_direction, rename_direction

    with st.popover("Rename", icon=":material/edit:"), st.form("rename_direction", border=False):
        new = st.text_input("New name", value=one.name, max_chars=64).strip()
        if st.form_submit_button("Rename") and new != one.name:
            with mendable():
                rename_direction(one.name, new)
                want("looked", new)
                st.rerun()
    if st.button("Delete", icon=":material/delete:", key="delete_direction"):
        with mendable():
            delete_direction(one.name)
            st.session_state[_DELETED] = one
            st.rerun()


def offer_undo() -> None:
    """After a direction was deleted: a way to have it back."""
    from core.directions import save_direction

    one: Direction | None = st.session_state.get(_DELETED)
    if one is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        st.write(f"“{plain(one.name)}” was deleted.")
        if st.button("Undo", icon=":material/undo:", key="undo_direction"):
            with mendable():
                save_direction(one, replace=False)
                del st.session_state[_DELETED]
                want("looked", one.name)
                st.rerun()
        if st.button("Dismiss", key="dismiss_direction", type="tertiary"):
            del st.session_state[_DELETED]
            st.rerun()
