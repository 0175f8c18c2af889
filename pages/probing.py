"""Probing: where, and how well, can a concept be read from the activations?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core import first_concept, jobs
from core.errors import UserError
from pages.shared import cached, estimate, running
from pages.shared.downloads import csv_button
from pages.shared.errors import mendable
from pages.shared.examples import preview, take_own
from pages.shared.frame import frame, go_to
from pages.shared.hardware import as_arguments
from pages.shared.links import comma, linked
from pages.shared.sweeps import (
    METHOD_NAMES,
    curve_figure,
    show_table,
    strongest_sentence,
    sweep_table,
)
from pages.shared.text import plain

if TYPE_CHECKING:
    from core.activations import Pool

POOLS: dict[Pool, str] = {"mean": "mean over tokens", "last": "last token"}
POOL: Pool = "mean"

chosen = frame()

st.title("Probing")
st.write("In which layers, and how well, can a concept be read from the model's activations?")

with mendable():
    take_own()
if chosen.info is None:
    st.info("Choose a concept in the sidebar, or give texts of your own above.")
    st.stop()


def layers_of(text: str) -> tuple[int, ...] | None:
    """None for all; UserError for what is no list of layers."""
    if text.strip().lower() == "all":
        return None
    try:
        layers = tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        raise UserError(f"Layers are numbers such as 0,10,20 or the word all, not {text!r}.") from None
    most = None if chosen.layers is None else chosen.layers - 1
    if bad := [layer for layer in layers if layer < 0 or (most is not None and layer > most)]:
        raise UserError(f"There is no layer {bad[0]}: {chosen.model} has layers 0 to {most if most else '…'}.")
    return layers


concept = st.container()
with st.form("sweep", border=True):
    left, right = st.columns(2)
    with left:
        limit = linked(
            st.number_input,
            "Texts",
            key="limit",
            default=first_concept.LIMIT,
            read=int,
            valid=lambda number: isinstance(number, int) and 20 <= number <= 100_000,
            min_value=20,
            max_value=100_000,
            step=100,
            help="At most this many texts in all, the classes in proportion, the same ones each time. "
            "More texts give narrower intervals and take longer.",
        )
        methods = linked(
            st.pills,
            "Methods",
            key="methods",
            default=list(METHOD_NAMES),
            read=lambda text: text.split(","),
            write=comma,
            valid=lambda names: bool(names) and set(names) <= set(METHOD_NAMES),
            options=list(METHOD_NAMES),
            selection_mode="multi",
            format_func=METHOD_NAMES.__getitem__,
            help="How the direction that is read along is found. Logistic regression usually reads best; the "
            "difference of means usually steers best.",
        )
    with right:
        layers_text = linked(
            st.text_input,
            "Layers",
            key="layers",
            default="all",
            valid=lambda text: bool(text.strip()),
            max_chars=400,
            help="`all`, or numbers such as 0,10,20. One pass through the model serves all of them.",
        )
        pool = linked(
            st.segmented_control,
            "One activation per text",
            key="pool",
            default=POOL,
            valid=POOLS.__contains__,
            options=list(POOLS),
            format_func=POOLS.__getitem__,
            required=True,
            help="A text has one activation per token; "
            "a probe needs one per text. The first and special tokens are left out.",
        )
    pressed = st.form_submit_button("Run the sweep", type="primary", icon=":material/play_arrow:")

with mendable(stop=True):
    examples = cached.examples(chosen.concept, limit)
    layers = layers_of(layers_text)
with concept:
    preview(chosen.info, examples)

arguments = ["probe", chosen.model, "--examples", chosen.concept, "--layers", layers_text.replace(" ", "").lower()]
arguments += ["--limit", str(limit), "--methods", comma(methods), "--pool", pool, *as_arguments()]
id = jobs.job_id(arguments)
job = jobs.find(id)
st.header("Result", anchor=False)

if job is not None and job.state == "running":
    running.follow(id)
    st.stop()
with mendable(stop=True), st.spinner("Looking for an earlier result …"):
    sweep = cached.known_sweep(chosen.model, chosen.concept, limit, layers, tuple(methods), pool)
if sweep is None and pressed:
    with mendable(stop=True):
        jobs.start(arguments, f"Probe {chosen.info.title} in {chosen.model}")
    running.follow(id)
    st.stop()
if sweep is None:
    if job is not None and job.state != "done":
        running.problem(job)
        with st.expander("Log"):
            running.log(job)
    else:
        st.info(f"Press **Run the sweep**: {estimate.of_sweep(examples, chosen.layers, layers, len(methods))}")
    st.stop()

st.markdown(strongest_sentence(sweep))
st.plotly_chart(
    curve_figure(sweep),
    key="curve",
    config={"displayModeBar": False},
    alt=f"AUROC by layer for {chosen.info.title}, with 95% intervals, the shuffled control and text baselines",
)
st.caption(
    "Bands are 95% intervals. Grey: the same probe trained on shuffled labels, which should stay near 0.5. Dashed: "
    "what the texts give away without any model. The ring marks the strongest layer."
)
with st.container(horizontal=True):
    go_to(
        "steering",
        f"Steer at layer {sweep.best.layer}",
        icon=":material/tune:",
        primary=True,
        model=chosen.model,
        concept=chosen.concept,
        layer=str(sweep.best.layer),
    )
    go_to(
        "lens",
        "Read a text token by token",
        icon=":material/layers:",
        model=chosen.model,
        concept=chosen.concept,
        layer=str(sweep.best.layer),
        panel="live",
    )
    table = sweep_table(sweep)
    csv_button(table, f"probe-{chosen.concept.replace('/', '-')}-{limit}.csv")
with st.expander("All numbers"):
    show_table(table)
    if sweep.left_out:
        st.caption(f"{sweep.left_out} texts have no token left after masking, and were left out.")
    for note in examples.notes:
        st.caption(plain(note))
