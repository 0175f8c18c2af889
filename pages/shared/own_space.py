"""On a server: how full one's own space is, and how to make room."""

from __future__ import annotations

import streamlit as st

from core import jobs, quota, spaces, workspace
from pages.shared.errors import mendable
from pages.shared.text import size


def panel() -> None:
    """Nothing on one's own machine."""
    if not spaces.space():
        return
    with mendable():
        there, allowed = quota.used(workspace.home()), quota.limit()
        bar, room = st.columns([4, 1], vertical_alignment="center")
        bar.progress(min(1.0, there / allowed), f"Your space: {size(there)} of {size(allowed)} are used")
        with room.popover("Free space", icon=":material/cleaning_services:"):
            st.write(
                "Deletes stored activations and results of yours. All of them are computed again when they are asked "
                "for; what you have saved stays, and so do the results that came with the server."
            )
            if st.button("Delete what can be computed again", key="free_space"):
                _free()


def _free() -> None:
    if any(job.state == "running" for job in jobs.jobs()):
        st.error("A job of yours runs or waits; cancel it, or wait until it has ended.")
        return
    freed = quota.forget_computed(workspace.home())
    st.success(f"{size(freed)} were freed.")
