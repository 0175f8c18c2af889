"""Several concepts, or several models, on one chart: each line is a sweep of its own, with the same choices."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.charts import Curve, layer_curves
from core.errors import UserError
from core.models import list_models
from core.probing import ProbeResult, Sweep
from pages.shared import cached
from pages.shared.asking import start_button
from pages.shared.downloads import csv_button, file_part
from pages.shared.links import comma, linked
from pages.shared.probing_choices import Choices
from pages.shared.sweeps import spoken
from pages.shared.text import plain, shortened

MOST = 4  # besides the one that is looked at: five lines can be told apart


def concepts(choices: Choices, sweep: Sweep, one: ProbeResult) -> None:
    """Other concepts in the same model."""
    infos = cached.all_examples()
    others = [id for id in infos if id != choices.concept]
    chosen = linked(
        st.multiselect,
        "Compare with",
        key="beside",
        default=list[str](),
        read=lambda text: text.split(","),
        write=comma,
        valid=lambda ids: len(ids) <= MOST and set(ids) <= set(others),
        options=others,
        format_func=lambda id: f"{infos[id].title} · {infos[id].subject}" if id in infos else id,
        max_selections=MOST,
        help=f"Up to {MOST} other sets, probed with the same number of texts, layers, methods and splits.",
    )
    if not chosen:
        st.info("Choose other concepts to see at which depth each can be read.")
        return
    wanted = {infos[id].title if id in infos else id: replace(choices, concept=id) for id in chosen}
    own = infos[choices.concept].title if choices.concept in infos else choices.concept
    _compare(own, sweep, wanted, one, f"concepts-{file_part(choices.concept)}", "concept")


def models(choices: Choices, sweep: Sweep, one: ProbeResult) -> None:
    """The same concept in another model, or with an adapter."""
    known = [info.id for info in list_models() if info.kind == "text" and info.id != choices.model]
    other: str | None = linked(  # type: ignore[misc]
        st.selectbox,
        "Compare with",
        key="other_model",
        default=None,
        read=lambda text: text or None,
        write=lambda value: value or "",
        valid=lambda value: value is None or (isinstance(value, str) and value != choices.model),
        options=known,
        accept_new_options=True,
        placeholder="A model that was opened before, or type a path or hub id",
        help="Such as the base model of a fine-tuned one, or the directory of a PEFT adapter. It reads the same texts, "
        "parted in the same way.",
    )
    if other is None:
        st.info("Choose another model, or type the path of an adapter, to see what changed and at which depth.")
        return
    _compare(
        choices.model,
        sweep,
        {other: replace(choices, model=other)},
        one,
        f"models-{file_part(choices.concept)}",
        "model",
    )
    st.caption("Both read the same held-out texts. Where two bands overlap widely, the models do not differ here.")


def _compare(own: str, sweep: Sweep, wanted: dict[str, Choices], one: ProbeResult, file: str, what: str) -> None:
    sweeps = {own: sweep}
    missing: dict[str, Choices] = {}
    for name, choices in wanted.items():
        try:
            found = choices.known()
        except UserError as error:
            st.warning(f"{plain(name)}: {plain(str(error))}")
            continue
        if found is None:
            missing[name] = choices
        else:
            sweeps[name] = found
    if missing:
        name, choices = next(iter(missing.items()))
        start_button(
            choices.arguments(),
            f"Probe {name}",
            f"Not computed yet: {plain(', '.join(missing))}. One sweep after the other; this starts {plain(name)}.",
        )
    if len(sweeps) < 2:
        return
    st.plotly_chart(
        compared_figure(sweeps, one.method),
        key=f"compared_{what}",
        config={"displayModeBar": False},
        alt=f"AUROC by layer of {spoken(one.method)}, a line for each {what}, with 95% intervals",
    )
    table = compared_table(sweeps, one.method, what)
    st.dataframe(table, hide_index=True, alt=f"Strongest layer of each {what}")
    csv_button(table, f"{file}-{one.method}.csv")


def compared_figure(sweeps: dict[str, Sweep], method: str) -> go.Figure:
    """A line for each sweep, by one method."""
    curves = []
    for name, sweep in sweeps.items():
        own = sorted((one for one in sweep.results if one.method == method), key=lambda one: one.layer)
        layers = [one.layer for one in own]
        low, high = [one.auroc_ci[0] for one in own], [one.auroc_ci[1] for one in own]
        curves.append(Curve(shortened(name, 40), layers, [one.auroc for one in own], low, high))
    return layer_curves(curves)


def compared_table(sweeps: dict[str, Sweep], method: str, what: str) -> pd.DataFrame:
    """The layer of highest cross-validated AUROC of each, and what the words alone reach."""
    rows = []
    for name, sweep in sweeps.items():
        best = max((one for one in sweep.results if one.method == method), key=lambda one: (one.cv_auroc, -one.layer))
        words = next((base.auroc for base in sweep.baselines if base.name == "tfidf"), None)
        rows.append(
            {
                what: name,
                "strongest_layer": best.layer,
                "auroc": best.auroc,
                "auroc_low": best.auroc_ci[0],
                "auroc_high": best.auroc_ci[1],
                "shuffled_auroc": best.shuffled.auroc,
                "words_alone": words,
                "n_test": best.n_test,
            }
        )
    return pd.DataFrame(rows)
