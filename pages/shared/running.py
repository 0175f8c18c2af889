"""A job on a page: how far it is, and what can be done with it."""

from __future__ import annotations

import streamlit as st

from core import jobs
from pages.shared.errors import mendable
from pages.shared.parts import moving
from pages.shared.text import duration, plain

STATES = {
    "running": ("Running", ":material/progress_activity:", "blue"),
    "done": ("Done", ":material/check:", "green"),
    "failed": ("Failed", ":material/error:", "red"),
    "cancelled": ("Cancelled", ":material/block:", "gray"),
    "stopped": ("Stopped", ":material/pause:", "orange"),
}


def follow(id: str) -> None:
    """Show a running job until it ends, then run the page again."""

    def look() -> None:
        job = jobs.find(id)
        if job is None or job.state != "running":
            st.rerun()
        progress(job)
        if st.button("Cancel", key=f"cancel_{id}", icon=":material/stop:", help="What was computed so far is kept."):
            with st.spinner("Cancelling …"):
                jobs.cancel(id)
            st.rerun()

    moving(look)


def progress(job: jobs.Job) -> None:
    """A bar with what is being done, the rate and the time left."""
    moment = job.progress
    if moment is None:
        st.progress(0.0, "Starting: opening the model …" if job.state == "running" else "Ended before its first report")
        return
    share = min(1.0, moment.done / moment.total) if moment.total else 0.0
    counted = f"{moment.done:,} of {moment.total:,} {moment.unit}" if moment.total else f"{moment.done:,} {moment.unit}"
    parts = [plain(moment.note[:1].upper() + moment.note[1:]), counted] if moment.note else [counted]
    if job.rate:
        parts.append(f"{job.rate:,.1f} {moment.unit}/s")
    if job.seconds_left is not None:
        parts.append(f"about {duration(job.seconds_left)} left")
    st.progress(share, " · ".join(parts))


def problem(job: jobs.Job) -> None:
    """Say why a job ended without a result, and offer to go on."""
    if job.state == "failed":
        st.error(plain(job.error or "It failed."), icon=":material/error:")
    elif job.state == "stopped":
        st.warning("The computation was stopped from outside (a restart?). What was computed so far is kept.")
    elif job.state == "cancelled":
        st.info("The computation was cancelled. What was computed so far is kept.")
    if st.button("Resume", key=f"resume_{job.id}", icon=":material/play_arrow:"):
        with mendable():
            jobs.resume(job.id)
            st.rerun()


def log(job: jobs.Job, lines: int = 30) -> None:
    """The end of what the job wrote."""
    tail = jobs.log_tail(job.id, lines)
    if tail:
        st.code(tail, language=None, wrap_lines=True)
    else:
        st.caption("The log is empty.")
