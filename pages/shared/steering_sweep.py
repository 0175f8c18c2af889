"""The sweep: what each dose does to the concept and what it breaks, beside random directions and plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from core import jobs
from core.charts import Line, lines
from core.concept.figures import QUANTITIES, dose_figure, measured
from core.tcav.telling import small
from pages.shared import running
from pages.shared.asking import start_button
from pages.shared.downloads import csv_button, file_part
from pages.shared.errors import mendable
from pages.shared.frame import Chosen
from pages.shared.links import choose, linked_form
from pages.shared.steering_sweep_choices import arguments_of, choose_sweep, cost_of
from pages.shared.text import plain, verbatim

if TYPE_CHECKING:
    from core.steering import DoseSweep
    from core.steering.dose_curves import Quantity


def panel(chosen: Chosen) -> None:
    """Choices, the job, and what it found."""
    from core.directions import list_directions

    known = {one.name: one for one in list_directions() if one.model_id == chosen.model}
    if not known:
        st.info(
            f"A sweep takes a saved direction, and there is none for {plain(chosen.model)} yet: make one in the "
            "Playground, press **Generate**, and then **Save this direction**."
        )
        st.button("To the Playground", icon=":material/tune:", type="primary", on_click=choose, args=("steer", "play"))
        return
    st.write(
        "Many doses at once, over 20 neutral prompts: how far each moves the text towards the concept, what it breaks, "
        "and whether random directions of the same length do the same."
    )
    with linked_form("sweep"):
        choices = choose_sweep(known)
        st.form_submit_button("Take these choices")
    with mendable(stop=True):
        arguments = arguments_of(chosen.model, choices, judged=bool(known[choices["name"]].examples))
    title = f"Sweep of {choices['name']} over doses"
    job = jobs.find(jobs.job_id(arguments))
    if job is None or job.state != "done" or job.result is None:
        with mendable():
            start_button(arguments, title, cost_of(arguments))
        return
    result = job.result
    if "layers" in result:
        _by_layer(result)
        numbers = [one["layer"] for one in result["layers"]]
        number = st.selectbox("Doses at layer", range(len(numbers)), format_func=lambda n: str(numbers[n]))
        result = result["layers"][number]
    _shown(result, choices["name"], choices["targets"])
    with st.expander("The job", icon=":material/terminal:"):
        st.code("python -m core " + " ".join(arguments), language=None, wrap_lines=True)
        running.log(job)


def _shown(result: dict[str, Any], name: str, targets: str) -> None:
    from core.steering import sweep_of

    sweep = sweep_of(result, name)
    _words(result, sweep)
    shown = [quantity for quantity in QUANTITIES if measured(sweep, quantity)]
    for start in range(0, len(shown), 2):
        for column, quantity in zip(st.columns(2), shown[start : start + 2], strict=False):
            with column:
                _curve(sweep, quantity, targets if quantity == "target" else "")
    samples(sweep)
    table = pd.DataFrame([{**one, **one["guards"]} for one in [*result["results"], *result["control"]]])
    csv_button(table.drop(columns=["guards", "tokens"], errors="ignore"), f"sweep-{file_part(name)}.csv")


def _words(result: dict[str, Any], sweep: DoseSweep) -> None:
    """The recommended range with its rule, and the slope beside its controls."""
    columns = st.columns(3)
    if result.get("range"):
        low, high = result.get("range_held") or result["range"]
        columns[0].metric(
            "Recommended doses",
            f"{low:+g} to {high:+g}",
            help="One half of the prompts chooses the widest range around 0 in which every dose keeps the perplexity "
            "within 1.5 times that of the plain texts, and repetition within 0.1 of theirs; of it that part is left "
            "in which the other half stays within these bounds too.",
        )
        told = [
            f"dose {dose:+g}: perplexity × {worse:.2f}"
            + ("" if moved is None else f", judge {moved:+.2f} standard deviations")
            for dose, worse, _, moved in result["range_shown"]
        ]
        st.caption("On the half that did not choose, " + ("; ".join(told) or "there is nothing but dose 0") + ".")
    slope = result.get("slope")
    if slope:
        low, high = slope["interval"]
        interval = "" if low is None else f"; 95% interval over prompts {low:+.2f} to {high:+.2f}"
        columns[1].metric(
            "Judge's slope over dose",
            f"{slope['mean']:+.2f}",
            help=f"Change of the independent judge's score per unit of dose{interval}.",
        )
        columns[2].metric(
            "Prompts that move the wrong way",
            f"{slope['wrong_way']:.0%}",
            help="Share of prompts whose own slope has the other sign.",
        )
        if slope["random"]:
            p = slope.get("p")
            beside = "" if p is None else f"; one more random direction would lie as far out with p {small(p)}"
            st.caption(
                f"The slope lies above {slope['above']} of {len(slope['random'])} random directions of the same "
                f"length{beside}."
            )
    if not sweep.judges:
        st.caption("This direction was not made from examples, so that nobody could be taught to judge the texts.")


def _curve(sweep: DoseSweep, quantity: Quantity, words: str) -> None:
    title, help = QUANTITIES[quantity]
    st.markdown(f"**{title}**" + (f": {plain(words)}" if words else ""), help=help)
    st.plotly_chart(
        dose_figure(sweep, quantity),
        key=f"curve_{quantity}",
        config={"displayModeBar": False},
        alt=f"{title} over dose: the direction with its 95% interval, random directions from lowest to highest",
    )


def samples(sweep: DoseSweep) -> None:
    """The lowest dose, none, the highest; and nothing done at all, where dose 0 is something else."""
    st.markdown("**Some texts**")
    prompt = st.selectbox("Prompt", range(len(sweep.prompts)), format_func=lambda number: sweep.prompts[number])
    arms = ("plain", "direction") if sweep.has_plain else ("direction",)
    doses = {sweep.doses[0], 0.0, sweep.doses[-1]}
    shown = [t for arm in arms for t in sweep.texts if t.arm == arm and t.prompt == prompt and t.dose in doses]
    first = {(t.arm, t.dose): t for t in reversed(shown)}  # of several seeds the first
    some = [first[key] for key in dict.fromkeys((t.arm, t.dose) for t in shown)]
    for column, one in zip(st.columns(len(some), border=True), some, strict=True):
        plainly = one.arm == "plain" or (one.dose == 0 and not sweep.has_plain)
        column.markdown("**Plain**" if plainly else f"**Dose {one.dose:+g}**")
        column.markdown(f":gray[{verbatim(sweep.prompts[prompt])}]" + verbatim(one.text))


def _by_layer(result: dict[str, Any]) -> None:
    """Effect and damage at each layer."""
    rows = result["layers"]
    at = [one["layer"] for one in rows]
    st.markdown("**By layer**")
    left, right = st.columns(2)
    if all("slope" in one for one in rows):
        slopes = [one["slope"] for one in rows]
        effect = Line(
            "direction",
            at,
            [s["mean"] for s in slopes],
            [s["interval"][0] for s in slopes],
            [s["interval"][1] for s in slopes],
        )
        with left:
            st.plotly_chart(
                lines([effect], x_title="layer", y_title="judge's slope over dose", height=260),
                key="layers_effect",
                config={"displayModeBar": False},
                alt="The independent judge's slope over dose at each layer, with 95% intervals",
            )
    with right:
        st.plotly_chart(
            lines(
                [Line("direction", at, [one["perplexity"] for one in rows])],
                x_title="layer",
                y_title="perplexity, times plain",
                level=("plain", 1.0),
                height=260,
            ),
            key="layers_damage",
            config={"displayModeBar": False},
            alt="Perplexity of the texts at the outermost doses as a multiple of plain, at each layer",
        )
    carried = [str(one["layer"]) for one in rows if not one["anew"]]
    if carried:
        st.caption(
            f"At layers {', '.join(carried)} the same vector was used: the direction was not made from examples that "
            "are at hand."
        )
    st.caption("Doses are in units of each layer's own typical norm.")
