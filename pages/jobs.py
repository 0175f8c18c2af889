"""Jobs: long work that goes on while pages come and go."""

import time

import streamlit as st

from core import jobs
from pages.shared import own_space
from pages.shared.errors import mendable
from pages.shared.frame import frame, go_to
from pages.shared.parts import EVERY, moving
from pages.shared.recording import record_form
from pages.shared.running import STATES, log, progress
from pages.shared.text import duration, plain

SHOWN = 25  # at a time

chosen = frame()

st.title("Jobs")
st.write("Long work runs on its own: it goes on when you leave the page, and what it has computed is kept.")
own_space.panel()


def show(job: jobs.Job) -> None:
    """One job with its buttons."""
    label, icon, color = STATES[job.state]
    with st.container(border=True):
        title, state = st.columns([4, 1], vertical_alignment="center")
        title.markdown(f"**{plain(job.title)}**")
        state.badge(label, icon=icon, color=color)  # type: ignore[arg-type]
        if job.state == "running":
            progress(job)
        elif job.error:
            st.error(plain(job.error))
        started = time.strftime("%d %b %Y, %H:%M", time.localtime(job.started))
        took = f", took {duration(job.ended - job.started)}" if job.ended else ""
        st.caption(f"Started {started}{took}")
        buttons(job)
        with st.expander("Command and log"):
            st.code("python -m core " + " ".join(job.arguments), language=None, wrap_lines=True)
            log(job)


def buttons(job: jobs.Job) -> None:
    """Cancel a running job; run others again, or forget them."""
    with mendable(), st.container(horizontal=True):
        if job.state == "running":
            if st.button("Cancel", key=f"cancel_{job.id}", icon=":material/stop:"):
                jobs.cancel(job.id)
                st.rerun()
            return
        again = "Run again" if job.state == "done" else "Resume"
        if st.button(again, key=f"resume_{job.id}", icon=":material/play_arrow:", help="What is stored is not redone."):
            jobs.resume(job.id)
            st.rerun()
        if st.button("Remove", key=f"remove_{job.id}", icon=":material/delete:", help="Its results stay."):
            jobs.remove(job.id)
            st.rerun()


def everything() -> None:
    """All jobs, the latest first; looks again by itself while one is running."""
    found = jobs.jobs()
    if not found:
        st.info("No jobs yet. A recording started above or a sweep on the Probing page turns up here.")
        go_to("probing", "Start with a sweep", icon=":material/query_stats:")
    for job in found[:SHOWN]:
        show(job)
    if len(found) > SHOWN:
        st.caption(f"{len(found) - SHOWN} older jobs are not shown; remove some of these to see them.")
    if was_running and not any(job.state == "running" for job in found):
        st.rerun()


with st.expander("Record activations", icon=":material/save:"), mendable():
    record_form(chosen)

was_running = any(job.state == "running" for job in jobs.jobs())
moving(everything, every=EVERY if was_running else None)
