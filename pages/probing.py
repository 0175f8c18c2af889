"""Probing: where, and how well, can a concept be read from the activations?"""

from __future__ import annotations

import streamlit as st

from core import jobs
from core.probing import Sweep
from pages.shared import cached, estimate, probing_more, probing_one, probing_result, running
from pages.shared.downloads import csv_button, file_part, json_button
from pages.shared.errors import mendable
from pages.shared.examples import preview, take_own
from pages.shared.frame import frame, go_steer, go_to, no_concept
from pages.shared.links import standing
from pages.shared.parts import part
from pages.shared.probing_choices import TEXTS, Choices, ask
from pages.shared.sweeps import sinks_sentence, strongest_sentence, sweep_table
from pages.shared.text import plain

chosen = frame()

st.title("Probing")
st.write("In which layers, and how well, can a concept be read from the model's activations?")

with mendable():
    take_own()
if chosen.info is None:
    no_concept()
    st.stop()

with mendable(stop=True):
    preview(chosen.info, cached.examples(chosen.concept, standing(**TEXTS)))
    choices, pressed = ask(chosen.model, chosen.concept, chosen.layers)
    examples = cached.examples(chosen.concept, choices.limit)

arguments = choices.arguments()
id = jobs.job_id(arguments)
job = jobs.find(id)
st.header("Result", anchor=False)

if job is not None and job.state == "running":
    running.follow(id)
    st.stop()
with mendable(stop=True):
    sweep = choices.known()
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
        costs = estimate.of_sweep(examples, chosen.layers, choices.layers, len(choices.methods) * choices.splits)
        st.info(f"Press **Run the sweep**: {costs}")
    st.stop()


@part
def result(choices: Choices, sweep: Sweep) -> None:
    """Everything that a sweep shows: what is chosen within it runs it alone."""
    st.markdown(strongest_sentence(sweep))
    focus = probing_result.show(sweep)
    with st.container(horizontal=True):
        go_steer(
            f"Steer at layer {focus.layer}",
            primary=True,
            model=choices.model,
            concept=choices.concept,
            layer=focus.layer,
            method=focus.method,
        )
        go_to(
            "lens",
            "Read a text token by token",
            icon=":material/layers:",
            model=choices.model,
            concept=choices.concept,
            layer=str(focus.layer),
            panel="live",
        )
        name = f"probe-{file_part(choices.concept)}-{choices.limit}"
        csv_button(sweep_table(sweep), f"{name}.csv")
        json_button(sweep.to_json, f"{name}.json")
    probing_one.show(sweep, focus)
    if sweep.left_out:
        st.caption(f"{sweep.left_out} texts have no token left after masking, and were left out.")
    if sweep.sinks:
        st.caption(sinks_sentence(sweep.sinks))
    for note in examples.notes:
        st.caption(plain(note))
    st.header("Ask more", anchor=False)
    probing_more.show(choices, sweep, focus)


result(choices, sweep)
