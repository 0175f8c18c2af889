"""Questions that are answered from the workspace at once, or computed when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import streamlit as st

from core import jobs
from core.models import AnyModel
from core.progress import Listener, Progress, silent
from pages.shared import cached, running
from pages.shared.errors import mendable
from pages.shared.links import linked

T = TypeVar("T")


def question(titles: Mapping[str, str]) -> str | None:
    """The choice of a further question, by its word in the URL; none is asked at first. titles: by that word."""
    asked: str | None = linked(  # type: ignore[misc]
        st.pills,
        "Ask more",
        key="ask",
        default=None,
        read=str,
        write=lambda name: name or "",
        valid=lambda name: name is None or name in titles,
        options=list(titles),
        format_func=titles.__getitem__,
        label_visibility="collapsed",
    )
    return asked


def answered(
    model: str,
    ask: Callable[[AnyModel, Listener], T],
    *,
    arguments: Sequence[str],
    title: str,
    cost: str = "",
    quick: bool = False,
) -> T | None:
    """The answer if it is known; else None, after drawing the way to it.

    ask: the question, of a model. arguments: the command that computes the same, as a job called `title`. cost: a
    sentence for people. quick: it takes moments once activations are stored, so it is computed here without asking.
    """
    with mendable():
        found = cached.answer(model, lambda known: ask(known, silent))
        if found is not None:
            return found
        if quick:
            return _now(model, ask)
        start_button(arguments, title, cost)
    return None


def start_button(arguments: Sequence[str], title: str, cost: str) -> None:
    """A button that starts a job; while it runs, how far it is; if it failed, why."""
    id = jobs.job_id(arguments)
    job = jobs.find(id)
    if job is not None and job.state == "running":
        running.follow(id)
        return
    if job is not None and job.state != "done":
        running.problem(job)
    st.caption(cost)
    if st.button("Compute", key=f"compute_{id}", icon=":material/play_arrow:", type="primary"):
        jobs.start(arguments, title)
        st.rerun()


def _now(model: str, ask: Callable[[AnyModel, Listener], T]) -> T:
    bar = st.empty()

    def draw(moment: Progress) -> None:
        share = moment.done / moment.total if moment.total else 0.0
        bar.progress(min(1.0, share), f"{moment.note}: {moment.done:,} of {moment.total:,} {moment.unit}")

    found = ask(cached.model(model), draw)
    bar.empty()
    return found
