"""The index of a dictionary: started as a job, followed while it grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core import jobs
from core.activations.costs import OPENING
from pages.shared import features_new, running
from pages.shared.frame import Chosen
from pages.shared.hardware import as_arguments
from pages.shared.text import duration, plain

if TYPE_CHECKING:
    from core.dictionaries.shelf import Listed

SIZES = {"50000": "50,000 tokens: a first look", "200000": "200,000 tokens", "1000000": "1,000,000 tokens: thorough"}
OWN = "own"


def ask(chosen: Chosen, listed: Listed) -> None:
    """Say that there is no index yet, and offer to make one."""
    st.info(
        "This dictionary has no index yet. One pass over texts finds what each of its features is on at, how often and "
        "how strongly; what was found is shown while the pass goes on."
    )
    form(chosen, listed)


def form(chosen: Chosen, listed: Listed) -> None:
    """What to index over, with a time, and a button."""
    size = st.selectbox(
        "Texts",
        [*SIZES, OWN],
        key="index_size",
        format_func=lambda name: SIZES.get(name, "The sidebar's concept: its texts alone"),
        help="The bundled corpus mixes code, news, chat, reviews, encyclopaedia, medicine and more. Rare features need "
        "many tokens before they are seen. An index may be made anew over more at any time; the largest is shown.",
    )
    arguments = ["sae", "index", listed.name, "--model", chosen.model]
    if size == OWN:
        if chosen.info is None:
            st.caption("Choose a concept in the sidebar.")
            return
        arguments += ["--examples", chosen.concept]
        tokens = 60.0 * (chosen.info.positives + chosen.info.negatives)
    else:
        arguments += ["--tokens", size]
        tokens = float(size)
    layer = listed.layer if listed.layer is not None else chosen.layer
    # Encoding costs about as much as reading does for some thousand features; labels come on top.
    speed = features_new.tokens_per_second(chosen, layer)
    seconds = OPENING + features_new.CORPUS + 2 * tokens / speed + listed.features / 50
    st.caption(f"Takes roughly {duration(seconds)} on this machine, as a job: you can leave the page meanwhile.")
    if st.button("Index", key="start_index", icon=":material/play_arrow:", type="primary"):
        jobs.start([*arguments, *as_arguments()], f"Index {listed.name}")
        st.rerun()


def state(listed: Listed, *, complete: bool | None) -> None:
    """How far a running index job is; or why one ended early. complete: of the index that is there, None for none."""
    own = [job for job in jobs.jobs() if job.arguments[:3] == ("sae", "index", listed.name)]
    active = next((job for job in own if job.state == "running"), None)
    if active is not None:
        running.follow(active.id)
        if complete is False:
            st.caption("What was found so far is shown below; a click anywhere brings what came since.")
    elif own and own[0].state != "done" and not complete:
        running.problem(own[0])
        with st.expander("Log"):
            running.log(own[0])
    elif complete is False:
        st.caption(
            f":material/hourglass_top: The index of {plain(listed.name)} is not complete: a command is still at it, or "
            "it was stopped. Its numbers are of the tokens that were read so far."
        )
