"""Which features carry the sidebar's concept: ranked on one half of its texts, tested on the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core import jobs
from core.activations.costs import OPENING
from core.glossary import defined
from pages.shared import cached_features, features_new, running
from pages.shared.downloads import csv_button, file_part, json_button
from pages.shared.errors import mendable
from pages.shared.frame import Chosen, no_concept
from pages.shared.hardware import as_arguments
from pages.shared.links import choose, linked
from pages.shared.text import duration, plain
from pages.shared.tokens import visible

if TYPE_CHECKING:
    from core.dictionaries.index.concept import ConceptFeature, ConceptFeatures
    from pages.shared.cached_features import Opened

TEXTS = 400
AUROC_HELP = (
    f"Of the feature's largest code in each text. {defined('auroc')} On the half of the texts that had no part in "
    "choosing the features."
)


def show(opened: Opened, chosen: Chosen) -> list[int]:
    """The ranking; the features in its order."""
    if chosen.info is None:
        no_concept()
        return []
    st.markdown(f"How well does each single feature tell the texts of **{plain(chosen.info.title)}** apart?")
    limit = linked(
        st.number_input,
        "Texts",
        key="concept_texts",
        default=TEXTS,
        read=int,
        valid=lambda value: isinstance(value, int) and 20 <= value <= 100_000,
        min_value=20,
        max_value=100_000,
        step=100,
        width=160,
        help="Of the sidebar's concept, positives and negatives together. Half of them choose, the other half test.",
    )
    arguments = ["sae", "features", opened.dictionary.name, "--examples", chosen.concept, "--rows", str(limit)]
    arguments += ["--model", chosen.model, *as_arguments()]
    job = jobs.find(jobs.job_id(arguments))
    found = None
    with mendable():
        found = cached_features.ranking(opened, chosen.concept, limit, computed=job is not None and job.state == "done")
    if found is None:
        _offer(opened, chosen, arguments, job, limit)
        return []
    _sentence(opened, found)
    return _table(opened, found, chosen)


def _offer(opened: Opened, chosen: Chosen, arguments: list[str], job: jobs.Job | None, limit: int) -> None:
    if job is not None and job.state == "running":
        running.follow(job.id)
        return
    if job is not None and job.state != "done":
        running.problem(job)
    layer = opened.dictionary.card.layer or 0
    seconds = OPENING + limit * 60 / features_new.tokens_per_second(chosen, layer)
    st.caption(f"The texts go through the model once: roughly {duration(seconds)} on this machine.")
    if st.button("Rank the features", key="rank_features", icon=":material/play_arrow:", type="primary"):
        jobs.start(arguments, f"Features of {opened.dictionary.name} for {chosen.concept}")
        st.rerun()


def _sentence(opened: Opened, found: ConceptFeatures) -> None:
    one = found.best
    label = cached_features.label(opened, one.feature)
    name = f" ({plain(visible(label.text))})" if label and label.text else ""
    low, high = one.interval
    st.markdown(
        f"Best in training: feature **{one.feature}**{name}. On the {found.n_test:,} held-out texts its AUROC is "
        f"**{one.auroc:.3f}** (95% interval {low:.3f} to {high:.3f}); chance is 0.5."
    )
    st.caption(
        f"{found.considered:,} features are on in enough of the {found.n_train:,} training texts; the {found.tested} "
        "with the highest AUROC there were tested on the others. A text's code is "
        + ("the largest over its tokens." if found.pool == "max" else "the mean over its tokens.")
    )


def _table(opened: Opened, found: ConceptFeatures, chosen: Chosen) -> list[int]:
    rows, labels = found.features, cached_features.labels(opened)
    numbers = [one.feature for one in rows]
    table = pd.DataFrame(
        {
            "feature": numbers,
            "label": [visible(labels[one].text) if one in labels else "" for one in numbers],
            "AUROC": [one.auroc for one in rows],
            "from": [one.interval[0] for one in rows],
            "to": [one.interval[1] for one in rows],
            "p": [one.p_adjusted for one in rows],
            "training": [one.train_auroc for one in rows],
            "on": [one.on for one in rows],
            **{f"cosine: {name}": [_cosine(one, name) for one in rows] for name in (rows[0].cosines if rows else ())},
        }
    )

    def look() -> None:
        chosen_rows = st.session_state[key]["selection"]["rows"]
        if chosen_rows:
            choose("feature", numbers[chosen_rows[0]])

    key = f"concept_{hash(tuple(numbers))}"
    number = st.column_config.NumberColumn
    st.dataframe(
        table,
        key=key,
        hide_index=True,
        height=min(388, 38 + 35 * len(table)),
        on_select=look,
        selection_mode="single-row",
        column_config={
            "feature": number("feature", format="%d", help="Its number"),
            "AUROC": number("AUROC", format="%.3f", help=AUROC_HELP),
            "from": number("from", format="%.3f", help="Lower end of the 95% interval: bootstrap of held-out texts"),
            "to": number("to", format="%.3f", help="Upper end of it"),
            "p": number(
                "p",
                format="%.4f",
                help="That it is no better than chance on the held-out texts: one-sided, by dealing labels anew to "
                "whole groups, corrected for all features that were tested (Holm).",
            ),
            "training": number("training", format="%.3f", help="AUROC on the half on which it was chosen: too good"),
            "on": number("on", format="%.3f", help="Share of all texts in which it is on, 0 to 1"),
            **{
                name: number(
                    name,
                    format="%.3f",
                    help="Cosine, -1 to 1, of what the feature writes with this direction. Between random directions "
                    f"it has the standard deviation {opened.dictionary.coder.d_out**-0.5:.3f}.",
                )
                for name in table.columns
                if name.startswith("cosine")
            },
        },
        alt="Features ranked by how well they tell the concept's texts apart",
    )
    st.caption("The best held-out AUROC of many is a little too good; that of the feature named above is fair.")
    with st.container(horizontal=True):
        name = f"features-{file_part(opened.dictionary.name)}-{file_part(chosen.concept)}"
        csv_button(table, f"{name}.csv")
        json_button(found.to_json, f"{name}.json")
    return numbers


def _cosine(one: ConceptFeature, name: str) -> float | None:
    return one.cosines.get(name)
