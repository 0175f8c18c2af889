"""Two dictionaries side by side: which features both have, and their figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core import jobs
from pages.shared import features_figures, running
from pages.shared.frame import Chosen
from pages.shared.links import linked
from pages.shared.text import plain

if TYPE_CHECKING:
    from pages.shared.cached_features import Opened


def compare(opened: Opened, chosen: Chosen) -> None:
    """Choose another dictionary of the same model, and see how far both agree."""
    from core.dictionaries.fitting import same_model
    from core.dictionaries.metrics.compare import why_not
    from core.dictionaries.shelf import list_names

    name, card = opened.dictionary.name, opened.dictionary.card
    others = [
        one.name
        for one in list_names()
        if one.name != name and same_model(one.model_name, chosen.model) and not why_not(name, card, one.name, one.card)
    ]
    if not others:
        st.caption("There is no other dictionary of this model that writes into the same place.")
        return
    other = linked(
        st.selectbox,
        "Other dictionary",
        key="beside",
        default=others[0],
        always=True,
        valid=others.__contains__,
        options=others,
        width=360,
        help="Of the same model, writing into the same place. Features are matched by the cosine of what they write.",
    )
    arguments = ["sae", "compare", name, other]
    since = {one: features_figures.changed(one) for one in (name, other)}
    job = jobs.find(jobs.job_id(arguments))
    if job is not None and job.started < max(since.values()):  # of another dictionary that had one of the names
        job = None
    if job is not None and job.state == "running":
        running.follow(job.id)
    elif job is not None and job.state == "done" and job.result:
        _show(job.result, name, other)
    else:
        if job is not None and job.state != "done":
            running.problem(job)
        st.caption("Every feature of one is compared with every feature of the other: seconds to a minute.")
        if st.button("Compare", key="compare_dictionaries", icon=":material/play_arrow:"):
            jobs.start(arguments, f"Compare {name} and {other}")
            st.rerun()
    both = {one: features_figures.measured(one, since[one]) for one in (name, other)}
    known = {one: found for one, found in both.items() if found is not None}
    if len(known) == 2:
        table = features_figures.figures_table(known)
        number = st.column_config.NumberColumn
        st.dataframe(
            table,
            hide_index=True,
            column_config={one: number(one, format="%.3f") for one in known},
            alt="Figures of both dictionaries",
        )
    else:
        missing = next(one for one in both if both[one] is None)
        st.caption(f"For their figures side by side, measure {plain(missing)} too.")


def _show(result: dict[str, object], name: str, other: str) -> None:
    rows = []
    for one, key in ((name, "first"), (other, "second")):
        side = result[key]
        assert isinstance(side, dict)
        rows.append({"dictionary": one, **side})
    table = pd.DataFrame(rows).rename(columns={"mean_cosine": "mean cosine"})
    number = st.column_config.NumberColumn
    st.dataframe(
        table,
        hide_index=True,
        column_config={
            "features": number("features", format="%d"),
            "mean cosine": number(
                "mean cosine", format="%.3f", help="Of each feature with the nearest one of the other dictionary"
            ),
            "above_0.7": number("above 0.7", format="%.3f", help="Share of features with one as near as this, 0 to 1"),
            "above_0.9": number("above 0.9", format="%.3f", help="Share of features that are nearly the same, 0 to 1"),
        },
        alt="How far both dictionaries agree",
    )
    chance, mutual = result["chance"], result["mutual"]
    st.caption(
        f"{mutual:,} pairs are each other's nearest. By chance, among as many random directions, the nearest would "
        f"have a cosine of {chance:.2f}."
    )
