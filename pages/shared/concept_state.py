"""What of a concept is known, what is missing and what that costs, where views disagree, and the report to take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core import jobs
from core.concept import command_line
from pages.shared import running
from pages.shared.concept_choices import Choices
from pages.shared.downloads import download_button, file_part, json_button
from pages.shared.errors import mendable
from pages.shared.text import duration, plain

if TYPE_CHECKING:
    from core.concept import Concept

BADGES = {
    "there": (":material/check:", "green"),
    "missing": (":material/schedule:", "gray"),
    "failed": (":material/error:", "red"),
    "not here": (":material/block:", "gray"),
}
NAMES = {
    "readable": "Read",
    "used": "Used",
    "carried": "Carried",
    "pushed": "Pushed",
    "related": "Related",
    "stable": "Stable",
}


def show(choices: Choices, known: Concept, title: str) -> None:
    """The state of all views in a line, and the way to what is missing."""
    with st.container(horizontal=True):
        for name, view in known.views.items():
            icon, color = BADGES[view.state]
            state = (
                "" if view.state == "there" else f" · {'does not apply' if view.state == 'not here' else view.state}"
            )
            st.badge(f"{NAMES[name]}{state}", icon=icon, color=color)  # type: ignore[arg-type]
    _compute(choices, known, title)
    if known.there:
        _disagreements(known)
        _take_away(choices, known, title)
    elif not known.missing:
        st.info("Nothing can be computed for this concept here; each view below says why, and what would mend it.")


def _compute(choices: Choices, known: Concept, title: str) -> None:
    arguments = choices.arguments()
    id = jobs.job_id(arguments)
    job = jobs.find(id)
    if job is not None and job.state == "running":
        running.follow(id)
        return
    wanted = [*known.missing, *known.failed]
    if not wanted:
        return
    if job is not None and job.state != "done":
        running.problem(job)
        with st.expander("Log"):
            running.log(job)
    label = "Compute what is missing" if known.missing else "Try again what failed"
    if st.button(label, key=f"compute_{id}", icon=":material/play_arrow:", type="primary"):
        with mendable(stop=True):
            jobs.start(arguments, f"All about {title} in {choices.model}")
        st.rerun()
    each = ", ".join(f"{NAMES[view.part.name].lower()} {duration(view.seconds)}" for view in wanted)
    st.caption(
        f"Takes roughly {duration(known.seconds)} on this machine while it does nothing else ({each}), one after "
        f"another; what is finished is kept, and you can leave the page. {_sizes(choices, known)}"
    )


def _sizes(choices: Choices, known: Concept) -> str:
    """How much is spent, so that everything fits into minutes."""
    sizes, names = choices.sizes, {view.part.name for view in known.missing}
    told = []
    if "readable" in names:
        told.append(f"up to {sizes.rows:,} examples through all layers")
    if "used" in names:
        told.append(f"{sizes.inputs} inputs, {sizes.controls} control concepts and pushes on {sizes.pushed} inputs")
    if "pushed" in names:
        told.append(
            f"{sizes.prompts} prompts at {len(sizes.doses)} doses beside {sizes.random} random directions, "
            f"{sizes.tokens} tokens each"
        )
    return f"It is kept small: {'; '.join(told)}. The full pages go further." if told else ""


def _disagreements(known: Concept) -> None:
    said = list(known.disagreements.values())
    if said:
        lines = "\n".join(f"- {plain(one)}" for one in said)
        st.warning(f"**Where the views disagree**\n\n{lines}", icon=":material/compare_arrows:")
    elif len(known.there) > 1:
        st.success("Nothing that was computed contradicts another view.", icon=":material/handshake:")


def _take_away(choices: Choices, known: Concept, title: str) -> None:
    from core.concept.report import report_data, report_html

    name = f"{file_part(title)}-{file_part(choices.model.rsplit('/', 1)[-1])}"
    command = command_line(["report", *choices.words(), "--out", f"{name}.html"])
    with st.container(horizontal=True):
        download_button(
            "Download the report",
            lambda: report_html(known, command),
            file_name=f"{name}.html",
            mime="text/html",
            icon=":material/download:",
            on_click="ignore",
            key="download_report",
            help="One HTML file with everything on this page, 5 MB: it opens from disk, needs no network, prints well, "
            "and holds its numbers as data.",
        )
        json_button(lambda: report_data(known, command), f"{name}.json")
