"""How good a dictionary is: what it explains and what it breaks, what its features are like, and against another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from core import jobs
from core.activations.costs import OPENING
from core.charts import Bars, against, bars, parts
from pages.shared import features_indexing, features_new, features_probes, running
from pages.shared.downloads import file_part, json_button
from pages.shared.features_compare import compare
from pages.shared.features_figures import FIGURES, changed, figures_table, measured
from pages.shared.frame import Chosen
from pages.shared.hardware import as_arguments
from pages.shared.text import duration, plain

if TYPE_CHECKING:
    from pages.shared.cached_features import Opened

MISSING = (
    "Of the variance {explained} is explained. {linear} is missing although a linear map of the activation would "
    "predict it; {nonlinear} is missing and would not be predicted so."
)
MISSING_HELP = (
    "The variance in three parts (Engels et al. 2024): what the dictionary rebuilds; error that least squares predict "
    "from the activation; and the rest, called dark matter. Fitted on each half of the texts and scored on both."
)
NORMS_HELP = (
    "Token by token (Lee et al. 2025): were what features write at right angles, both norms would be equal. Below the "
    "line, features that are on together say much alike; above it, they cancel one another in part."
)
TEXTS, BROKEN, TOKENS = 300, 60, 110  # texts that are read, those on which the model is broken, tokens of each


def show(opened: Opened, chosen: Chosen) -> list[int]:
    """The dictionary as a whole; lists no features."""
    _source(opened)
    _of_index(opened)
    st.subheader("What it explains and what it breaks", anchor=False)
    _measured(opened, chosen)
    st.subheader("How concepts lie in it", anchor=False)
    features_probes.show(opened, chosen, changed(opened.dictionary.name))
    st.subheader("Beside another dictionary", anchor=False)
    compare(opened, chosen)
    with st.expander("Index over more texts", icon=":material/add_chart:"):
        from core.dictionaries.shelf import list_names

        own = next((one for one in list_names() if one.name == opened.dictionary.name), None)
        if own is not None:
            features_indexing.form(chosen, own)
    return []


def _source(opened: Opened) -> None:
    one = opened.dictionary
    parts = [f"{one.coder.kind}, {one.coder.n_features:,} features of width {one.coder.d_in:,}", str(one.card.reads)]
    recipe = one.card.recipe
    parts += [f"{recipe['tokens']:,} tokens"] if isinstance(recipe.get("tokens"), int) else []
    parts += [f"from {one.card.source}"] if one.card.source else []
    st.caption(" · ".join(plain(part) for part in parts))


def _of_index(opened: Opened) -> None:
    index, count = opened.index, opened.index.columns["count"]
    columns = st.columns(4)
    columns[0].metric("Tokens indexed", f"{index.n_tokens:,}", help="On which all features were looked at.")
    columns[1].metric("On per token", f"{count.sum() / max(index.n_tokens, 1):.1f}", help=FIGURES["l0"][1])
    columns[2].metric("Dead", f"{(count == 0).mean():.1%}", help=FIGURES["dead"][1])
    columns[3].metric("Dense", f"{(index.density > 0.1).mean():.1%}", help=FIGURES["dense"][1])
    live = index.density[count > 0]
    if len(live) > 1:
        edges = np.logspace(np.log10(live.min()) - 1e-9, np.log10(live.max()) + 1e-9, 41)
        st.markdown(
            "**Densities of its features**",
            help="Share of the tokens on which each live feature is on, on a log scale. A heap at the right end is "
            "features that are nearly always on; one at the left end, features that were seen once or twice.",
        )
        st.plotly_chart(
            bars(
                [Bars("features", edges.tolist(), np.histogram(live, edges)[0].tolist())],
                x_title="density",
                y_title="features",
                doubling=True,
                height=200,
            ),
            key="densities",
            config={"displayModeBar": False},
            alt="Histogram of the densities of the dictionary's live features",
        )


def _measured(opened: Opened, chosen: Chosen) -> None:
    name = opened.dictionary.name
    arguments = ["sae", "eval", name, "--limit", str(TEXTS), "--broken", str(BROKEN), "--model", chosen.model]
    arguments += as_arguments()
    found = measured(name, changed(name))
    if found is None:
        _published(opened)
        job = jobs.find(jobs.job_id(arguments))
        if job is not None and job.state == "running":
            running.follow(job.id)
            return
        if job is not None and job.state != "done":
            running.problem(job)
        layer = opened.dictionary.card.layer or 0
        whole = features_new.tokens_per_second(chosen, (chosen.layers or 30) - 1)
        seconds = TEXTS * TOKENS / features_new.tokens_per_second(chosen, layer) + 5 * BROKEN * TOKENS / whole
        st.caption(
            f"Measured on {TEXTS} {opened.dictionary.card.held_out}; {BROKEN} of them with the reconstruction put in "
            f"the activations' place: roughly {duration(OPENING + features_new.CORPUS + seconds)}."
        )
        if st.button("Measure", key="measure_dictionary", icon=":material/play_arrow:", type="primary"):
            jobs.start(arguments, f"Measure {name}")
            st.rerun()
        return
    details = found["details"]
    if details.get("warning"):
        st.warning(plain(str(details["warning"])))
    table = figures_table({name: found})
    _draw(table, name, opened.dictionary.card.held_out)
    left, right = st.columns(2, gap="large")
    with left:
        _missing(details.get("missing"))
    with right:
        _norms(details.get("norms"))
    st.caption(
        f"On {details['texts']:,} {opened.dictionary.card.held_out}. {details['tokens']:,} tokens; 95% intervals "
        "by drawing texts again. Positions "
        "on which the dictionary was not trained pass unchanged."
    )
    json_button(lambda: found, f"figures-{file_part(name)}.json")


def _missing(dark: dict[str, float] | None) -> None:
    st.markdown("**What is missing**", help=MISSING_HELP)
    if dark is None:
        st.caption(
            "It cannot be told: least squares takes four tokens for each dimension, twice; at most 4,096 dimensions."
        )
        return
    st.plotly_chart(
        parts([("explained", dark["explained"]), ("linear error", dark["linear"]), ("the rest", dark["nonlinear"])]),
        key="missing",
        config={"displayModeBar": False},
        alt="The variance in three parts: explained, error that is linear in the activation, and the rest",
    )
    st.caption(MISSING.format(**{key: f"{value:.1%}" for key, value in dark.items() if isinstance(value, float)}))


def _norms(found: dict[str, list[float]] | None) -> None:
    if not found:
        return
    st.markdown("**Do codes add up?**", help=NORMS_HELP)
    st.plotly_chart(
        against(
            found["rebuilt"],
            found["codes"],
            x_title="norm of the reconstruction",
            y_title="norm of the codes",
            height=260,
        ),
        key="norms",
        config={"displayModeBar": False},
        alt="Norm of the codes against that of the reconstruction, token by token",
    )


def _draw(table: pd.DataFrame, name: str, texts: str) -> None:
    number = st.column_config.NumberColumn
    st.dataframe(
        table,
        hide_index=True,
        column_config={
            name: number("measured", format="%.3f", help=f"Here, on {texts}"),
            "from": number("from", format="%.3f", help="Lower end of the 95% interval"),
            "to": number("to", format="%.3f", help="Upper end of it"),
            "published": number("published", format="%.3f", help="What came along with it, on texts of its makers"),
            "what it says": st.column_config.TextColumn("what it says", width="large"),
        },
        alt="Figures of the dictionary",
    )


def _published(opened: Opened) -> None:
    if opened.dictionary.published:
        said = ", ".join(f"{FIGURES.get(k, (k,))[0]} {v:.3f}" for k, v in opened.dictionary.published.items())
        st.caption(f"Published with it, measured by its makers: {plain(said)}.")
