"""The user's own saved sets: take them away, rename, delete and bring back, group near repeats."""

from __future__ import annotations

import streamlit as st

from core.examples import (
    Info,
    delete_examples,
    rename_examples,
    restore_examples,
    save_examples,
    to_csv,
    to_jsonl,
)
from pages.shared import cached, cached_examples
from pages.shared.downloads import download_button
from pages.shared.errors import mendable
from pages.shared.frame import Chosen
from pages.shared.links import want
from pages.shared.text import plain

_DELETED = "deleted_examples"  # in the session: the set that can be brought back with one press


def downloads(info: Info) -> None:
    """Two formats to take a set away in."""
    stem = info.id.replace("/", "-")
    with st.popover("Download", icon=":material/download:"):
        download_button(
            "CSV, for a spreadsheet",
            lambda: to_csv(cached.examples(info.id, None)),
            file_name=f"{stem}.csv",
            mime="text/csv",
            on_click="ignore",
            help="Texts that look like formulas get an apostrophe before them, so that no spreadsheet runs them. When "
            "the file is opened here again, they lose it.",
        )
        download_button(
            "JSONL, exact",
            lambda: to_jsonl(cached.examples(info.id, None)),
            file_name=f"{stem}.jsonl",
            mime="application/jsonl",
            on_click="ignore",
            help="Gives the same set with its groups, subgroups and names of classes when it is opened here again.",
        )


def keep_in_order(chosen: Chosen, info: Info) -> None:
    """Rename, delete, group near repeats."""
    with st.container(horizontal=True):
        with st.popover("Rename", icon=":material/edit:"), st.form("rename_set", border=False):
            new = st.text_input("New name", value=info.id, max_chars=64).strip()
            if st.form_submit_button("Rename"):
                with mendable():
                    rename_examples(info.id, new)
                    _moved(chosen, info.id, new)
        if st.button("Delete", icon=":material/delete:", key="delete_set"):
            with mendable():
                delete_examples(info.id)
                st.session_state[_DELETED] = info.id
                cached.forget_examples()
                st.rerun()


def offer_undo() -> None:
    """After a set was deleted: a way to have it back."""
    name = st.session_state.get(_DELETED)
    if name is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        st.write(f"“{plain(name)}” was deleted.")
        if st.button("Undo", icon=":material/undo:", key="undo_delete"):
            with mendable():
                restore_examples(name)
                del st.session_state[_DELETED]
                cached.forget_examples()
                want("set", name)
                st.rerun()
        if st.button("Dismiss", key="dismiss_delete", type="tertiary"):
            del st.session_state[_DELETED]
            st.rerun()


def group_near_repeats(info: Info) -> None:
    """Keep a copy in which no split parts texts that are nearly the same."""
    if st.button("Save with near repeats grouped", icon=":material/join:", key="join_near"):
        with mendable():
            name = _free(f"{info.id.removeprefix('sae-probes/').replace('/', '-').replace(' ', '-')[:50]}-grouped")
            save_examples(cached_examples.joined(info.id), name)
            cached.forget_examples()
            want("set", name)
            st.rerun()


def _free(name: str) -> str:
    known = cached.all_examples()
    return next(one for one in (name, *(f"{name}-{number}" for number in range(2, 1000))) if one not in known)


def _moved(chosen: Chosen, old: str, new: str) -> None:
    cached.forget_examples()
    want("set", new)
    if chosen.concept == old:
        want("concept", new)
    st.rerun()
