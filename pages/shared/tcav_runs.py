"""Work that a panel of the TCAV page waits for: known and shown at once, or offered, followed and explained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

from core import jobs
from pages.shared import running
from pages.shared.errors import mendable

T = TypeVar("T")


def known_or_run(
    known: Callable[[], T | None], arguments: Sequence[str], *, title: str, button: str, cost: Callable[[], str]
) -> T | None:
    """The result if it was computed before; else None, after drawing a button and what it costs, or how far it is.

    arguments: the command that computes it, as a job called `title`.
    """
    id = jobs.job_id(arguments)
    job = jobs.find(id)
    if job is not None and job.state == "running":
        running.follow(id)
        return None
    with mendable(stop=True):
        found = known()
    if found is not None:
        return found
    if st.button(button, type="primary", icon=":material/play_arrow:", key=f"run_{id}"):
        with mendable(stop=True):
            jobs.start(arguments, title)
        st.rerun()
    if job is not None and job.state != "done":
        running.problem(job)
        with st.expander("Log"):
            running.log(job)
    with mendable():
        st.info(f"Nothing computed yet for these choices. Press **{button}**: {cost()}")
    return None
