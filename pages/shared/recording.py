"""The form that starts a recording as a job."""

from __future__ import annotations

import streamlit as st

from core import jobs
from pages.shared.errors import mendable
from pages.shared.frame import Chosen
from pages.shared.hardware import as_arguments
from pages.shared.text import plain

POOLS = {"mean": "one mean per text", "last": "the last token of each text", "none": "every token"}
SITES = {
    "after": "after the block",
    "before": "before the block",
    "attention": "attention output",
    "mlp": "MLP output",
    "hidden": "MLP hidden",
}


def record_form(chosen: Chosen) -> None:
    """Ask what to record of the sidebar's concept, and start it."""
    info = chosen.info
    if info is None:
        st.info("Choose a concept in the sidebar first.")
        return
    with st.form("record", border=False):
        st.write(f"All texts of “{plain(info.title)}”, read by {plain(chosen.model)}.")
        left, right = st.columns(2)
        layers = left.text_input(
            "Layers",
            value=str(chosen.layer),
            max_chars=400,
            help="`all`, or numbers such as 0,10,20: one pass for all.",
        )
        limit = right.number_input("Texts, at most", 2, 10_000_000, max(2, info.positives + info.negatives), step=1000)
        pool = left.selectbox("What is kept", list(POOLS), format_func=POOLS.__getitem__)
        site = right.selectbox("Where", list(SITES), format_func=SITES.__getitem__)
        everything = st.checkbox("Keep first and special tokens and sinks too")
        if st.form_submit_button("Record", type="primary", icon=":material/play_arrow:"):
            arguments = ["record", chosen.model, "--examples", chosen.concept, "--layers", layers.replace(" ", "")]
            arguments += ["--site", site, "--pool", pool, "--limit", str(limit), *as_arguments()]
            with mendable():
                jobs.start([*arguments, *(["--all-positions"] if everything else [])], f"Record {info.title}")
                st.rerun()
