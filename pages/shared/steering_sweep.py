"""The sweep: what each dose does to the concept and what it breaks, beside random directions and plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from core import first_concept, jobs
from core.charts import Line, lines
from core.concept.figures import QUANTITIES, dose_figure, measured
from pages.shared import running
from pages.shared.asking import start_button
from pages.shared.downloads import csv_button, file_part
from pages.shared.errors import mendable
from pages.shared.frame import Chosen
from pages.shared.links import linked
from pages.shared.text import plain, verbatim

if TYPE_CHECKING:
    from core.steering import DoseSweep
    from core.steering.dose_curves import Quantity

DOSES = "-0.75,-0.5,-0.25,0,0.25,0.5,0.75"


def panel(chosen: Chosen) -> None:
    """Choices, the job, and what it found."""
    from core.directions import list_directions

    known = {one.name: one for one in list_directions() if one.model_id == chosen.model}
    if not known:
        st.info(
            f"A sweep takes a saved direction, and there is none for {plain(chosen.model)} yet: make one in the "
            "Playground and save it, or use `python -m core direction`."
        )
        return
    st.write(
        "Many doses at once, over 20 neutral prompts: how far each moves the text towards the concept, what it breaks, "
        "and whether random directions of the same length do the same."
    )
    with st.form("sweep", border=True):
        arguments, title = _choices(chosen, known)
        st.form_submit_button("Take these choices")
    job = jobs.find(jobs.job_id(arguments))
    if job is None or job.state != "done" or job.result is None:
        with mendable():
            start_button(arguments, title, _cost(arguments))
        return
    result = job.result
    if "layers" in result:
        _by_layer(result)
        numbers = [one["layer"] for one in result["layers"]]
        number = st.selectbox("Doses at layer", range(len(numbers)), format_func=lambda n: str(numbers[n]))
        result = result["layers"][number]
    _shown(result, str(arguments[3]))
    with st.expander("The job", icon=":material/terminal:"):
        st.code("python -m core " + " ".join(arguments), language=None, wrap_lines=True)
        running.log(job)


def _choices(chosen: Chosen, known: dict[str, Any]) -> tuple[list[str], str]:
    left, middle, right = st.columns(3)
    with left:
        name = linked(
            st.selectbox,
            "Saved direction",
            key="direction",
            default=first_concept.DIRECTION if first_concept.DIRECTION in known else next(iter(known)),
            valid=known.__contains__,
            options=list(known),
            help="Directions are kept in the workspace under a name; the Playground can save one.",
        )
        doses = linked(
            st.text_input,
            "Doses",
            key="doses",
            default=DOSES,
            help="In units of the typical norm, with commas; 0 is always there.",
        )
    with middle:
        controls = linked(
            st.number_input,
            "Random directions",
            key="controls",
            default=5,
            read=int,
            valid=lambda value: isinstance(value, int) and 0 <= value <= 50,
            min_value=0,
            max_value=50,
            help="Of the same length at the same doses: what a push does that means nothing. 20 make a test at 5%.",
        )
        tokens = linked(
            st.number_input,
            "New tokens per text",
            key="sweep_tokens",
            default=24,
            read=int,
            valid=lambda value: isinstance(value, int) and 4 <= value <= 200,
            min_value=4,
            max_value=200,
        )
    with right:
        layers = linked(
            st.text_input,
            "Layers",
            key="sweep_layers",
            default="",
            placeholder="its own",
            help="Several, such as 8,11,14, to compare what the push does at each; the direction is made anew there.",
        )
        instruction = linked(
            st.text_input,
            "In words",
            key="instruction",
            default="",
            placeholder="such as: Be positive.",
            help="A control without any push: the same prompts after these words.",
        )
    given = ["steer", chosen.model, "--direction", name, f"--doses={_with_zero(doses)}", "--prompts", "neutral"]
    given += ["--temperature", "0.7", "--top-p", "0.95", "--max-new-tokens", str(tokens)]
    given += ["--controls", str(controls)] if controls else []
    given += ["--layers", layers.strip()] if layers.strip() else []
    given += [f"--instruction={instruction.strip()}"] if instruction.strip() else []
    given += ["--judge", "own"] if known[name].examples else []
    return given, f"Sweep of {name} over doses"


def _with_zero(doses: str) -> str:
    parts = [part.strip() for part in doses.split(",") if part.strip()]
    return ",".join(parts if "0" in parts else [*parts, "0"])


def _cost(arguments: list[str]) -> str:
    n_doses = arguments[4].count(",") + 1
    controls = int(arguments[arguments.index("--controls") + 1]) if "--controls" in arguments else 0
    layers = arguments[arguments.index("--layers") + 1].count(",") + 1 if "--layers" in arguments else 1
    n = 20 * layers * (n_doses + controls * (n_doses - 1))
    return f"{n:,} texts are written and judged; what was written before is not written again."


def _shown(result: dict[str, Any], name: str) -> None:
    from core.steering import sweep_of

    sweep = sweep_of(result, name)
    _words(result, sweep)
    shown = [quantity for quantity in QUANTITIES if measured(sweep, quantity)]
    for start in range(0, len(shown), 2):
        for column, quantity in zip(st.columns(2), shown[start : start + 2], strict=False):
            with column:
                _curve(sweep, quantity)
    samples(sweep)
    table = pd.DataFrame([{**one, **one["guards"]} for one in [*result["results"], *result["control"]]])
    csv_button(table.drop(columns=["guards", "tokens"], errors="ignore"), f"sweep-{file_part(name)}.csv")


def _words(result: dict[str, Any], sweep: DoseSweep) -> None:
    """The recommended range with its rule, and the slope beside its controls."""
    columns = st.columns(3)
    if result.get("range"):
        low, high = result["range"]
        columns[0].metric(
            "Recommended doses",
            f"{low:+g} to {high:+g}",
            help="Chosen on one half of the prompts: the widest range around 0 in which every dose keeps the "
            "perplexity within 1.5 times that of the plain texts, and repetition within 0.1 of theirs.",
        )
        told = [
            f"dose {dose:+g}: perplexity × {worse:.2f}"
            + ("" if moved is None else f", judge {moved:+.2f} standard deviations")
            for dose, worse, _, moved in result["range_shown"]
        ]
        st.caption("On the other half of the prompts, " + ("; ".join(told) or "there is nothing but dose 0") + ".")
    slope = result.get("slope")
    if slope:
        columns[1].metric(
            "Judge's slope over dose",
            f"{slope['mean']:+.2f}",
            help=f"Change of the independent judge's score per unit of dose; 95% interval over prompts "
            f"{slope['interval'][0]:+.2f} to {slope['interval'][1]:+.2f}. It lies above {slope['above']} of "
            f"{len(slope['random'])} random directions of the same length.",
        )
        columns[2].metric(
            "Prompts that move the wrong way",
            f"{slope['wrong_way']:.0%}",
            help="Share of prompts whose own slope has the other sign.",
        )
        if slope["random"]:
            st.caption(f"Above {slope['above']} of {len(slope['random'])} random directions of the same length.")
    if not sweep.judges:
        st.caption("This direction was not made from examples, so that nobody could be taught to judge the texts.")


def _curve(sweep: DoseSweep, quantity: Quantity) -> None:
    title, help = QUANTITIES[quantity]
    st.markdown(f"**{title}**", help=help)
    st.plotly_chart(
        dose_figure(sweep, quantity),
        key=f"curve_{quantity}",
        config={"displayModeBar": False},
        alt=f"{title} over dose: the direction with its 95% interval, random directions from lowest to highest",
    )


def samples(sweep: DoseSweep) -> None:
    """Three texts: the lowest dose, none, the highest."""
    st.markdown("**Three texts**")
    prompt = st.selectbox("Prompt", range(len(sweep.prompts)), format_func=lambda number: sweep.prompts[number])
    doses = dict.fromkeys((sweep.doses[0], 0.0, sweep.doses[-1]))
    for column, dose in zip(st.columns(len(doses), border=True), doses, strict=True):
        one = next(t for t in sweep.texts if (t.arm, t.prompt, t.dose) == ("direction", prompt, dose))
        column.markdown(f"**Dose {dose:+g}**" if dose else "**Plain**")
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
