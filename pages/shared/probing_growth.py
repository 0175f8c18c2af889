"""How many labels it takes: code length, learning curve, and what more than a line would read."""

from __future__ import annotations

import streamlit as st

from core.charts import Line, Mark, lines, marks
from core.probing import LearningCurve, Nonlinear, ProbeResult, Sweep, learning_curve, nonlinear_check
from pages.shared import cached
from pages.shared.asking import answered
from pages.shared.downloads import file_part, json_button
from pages.shared.probing_choices import Choices
from pages.shared.sweeps import CODELENGTH_HELP, SELECTIVITY_HELP, method_name, spoken

RUN = "These examples' sweep was run without it: choose it under **Splits and controls** above and run the sweep."


def codelength(sweep: Sweep, one: ProbeResult) -> None:
    """Bits per label as more of them are known, for each method at this layer."""
    own = [other for other in sweep.results if other.layer == one.layer and other.codelength is not None]
    if one.codelength is None or not own:
        st.info(RUN)
        return
    code = one.codelength
    st.markdown(
        f"The {code.uniform_bits:,.0f} training labels can be told in **{code.bits:,.0f} bits** to somebody who has "
        f"the activations of layer {one.layer}: {code.compression:.2f} times shorter than the "
        f"{code.bits_without:,.0f} without them.",
        help=CODELENGTH_HELP,
    )
    st.plotly_chart(
        lines(
            [
                Line(
                    method_name(other.method),
                    [block.seen + block.coded for block in other.codelength.blocks],
                    [block.bits / block.coded for block in other.codelength.blocks],
                )
                for other in own
                if other.codelength is not None
            ]
            + [
                Line(
                    "By the share of positives alone",
                    [block.seen + block.coded for block in code.blocks],
                    [block.prior_bits / block.coded for block in code.blocks],
                )
            ],
            x_title="labels told so far",
            y_title="bits per label",
            doubling=True,
            level=("a bit a label", 1.0),
        ),
        key="codelength",
        config={"displayModeBar": False},
        alt="Bits per label in each block of the online code, by method",
    )
    st.caption(
        "Each block of labels is told with the probe of all labels before it. A curve that falls early belongs to a "
        "concept that is easy to read, not only possible to read."
    )


def selectivity(sweep: Sweep, one: ProbeResult) -> None:
    """Accuracy on the concept beside that on the control task, for each method at this layer."""
    own = [other for other in sweep.results if other.layer == one.layer and other.control_task is not None]
    if one.control_task is None or not own:
        st.info(RUN)
        return
    task = one.control_task
    st.markdown(
        f"Selectivity **{task.selectivity:+.3f}**: {task.accuracy:.3f} of the held-out texts are told right, and "
        f"{task.control_accuracy:.3f} when the labels are drawn at random for each first content word.",
        help=SELECTIVITY_HELP,
    )
    rows = []
    for other in own:
        if (found := other.control_task) is not None:
            name = method_name(other.method)
            rows.append(Mark(name, found.accuracy, series="the concept"))
            about = f"{found.runs} draws: mean, lowest, highest"
            low, high = found.control_lowest, found.control_highest
            rows.append(Mark(name, found.control_accuracy, low, high, series="control task", about=about))
    st.plotly_chart(
        marks(rows, title="accuracy", nothing=sweep.majority_accuracy),
        key="selectivity",
        config={"displayModeBar": False},
        alt="Accuracy on the concept and on the control task, by method",
    )
    st.caption(
        f"{task.words:,} different first content words; {task.known:.0%} of the held-out texts begin with one that "
        "training has: of the others nobody could know the control's label, so it stays near one half there. The thin "
        "line is the larger class."
    )


def growth(choices: Choices, sweep: Sweep, one: ProbeResult) -> None:
    """AUROC by number of training texts."""
    examples = cached.examples(choices.concept, choices.limit)
    methods = tuple(dict.fromkeys(other.method for other in sweep.results))
    found = answered(
        choices.model,
        lambda model, progress: learning_curve(
            model, examples, one.layer, methods, pool=choices.pool, seed=choices.seed, progress=progress
        ),
        arguments=[*choices.one(one.layer, *methods).arguments(), "--also", "curve"],
        title=f"Learning curve at layer {one.layer}",
        cost=f"{len(methods)} methods on growing parts of the training texts, in five orders: about a minute.",
    )
    if found is None:
        return
    st.markdown(growth_sentence(found, one.method))
    st.plotly_chart(
        lines(
            [
                Line(
                    method_name(curve.method),
                    [point.n for point in curve.points],
                    [point.auroc for point in curve.points],
                    [point.lowest for point in curve.points],
                    [point.highest for point in curve.points],
                )
                for curve in found.curves
            ],
            x_title="training texts",
            y_title="AUROC, held out",
            doubling=True,
        ),
        key="growth",
        config={"displayModeBar": False},
        alt="AUROC on the held-out texts by number of training texts, by method",
    )
    st.caption(
        f"Mean over {found.orders} random orders of the training texts, the band from lowest to highest; always scored "
        f"on the same {found.n_test:,} held-out texts."
    )
    _json(found, choices, "learning-curve", one)


def growth_sentence(found: LearningCurve, method: str) -> str:
    """What the last doubling brought."""
    points = next(curve.points for curve in found.curves if curve.method == method)
    if len(points) < 2:
        return "There are too few training texts for a curve."
    before, last = points[-2:]
    gain, spread = last.auroc - before.auroc, before.highest - before.lowest
    more = "more texts would probably help" if gain > max(0.01, spread / 2) else "more texts would change little"
    return (
        f"From {before.n:,} to {last.n:,} training texts the AUROC of {spoken(method)} went from "
        f"{before.auroc:.3f} to **{last.auroc:.3f}**: {more}."
    )


def nonlinear(choices: Choices, one: ProbeResult) -> None:
    """A small network beside the line, on the same rows."""
    examples = cached.examples(choices.concept, choices.limit)
    found = answered(
        choices.model,
        lambda model, progress: nonlinear_check(
            model, examples, one.layer, method=one.method, pool=choices.pool, seed=choices.seed, progress=progress
        ),
        arguments=[*choices.one(one.layer, one.method).arguments(), "--also", "nonlinear"],
        title=f"Nonlinear check of layer {one.layer}",
        cost="Trains networks of one hidden layer (64 units) on the same texts and on their controls: about a minute.",
    )
    if found is None:
        return
    st.markdown(nonlinear_sentence(found))
    st.plotly_chart(
        marks(nonlinear_marks(found)),
        key="nonlinear",
        config={"displayModeBar": False},
        alt="AUROC of a small network and of the linear probe, with intervals, and the network's control",
    )
    if found.control_task is not None:
        st.caption(
            f"The network's own selectivity: {found.control_task.selectivity:+.3f}. Weight decay {found.decay:g} and "
            f"{found.steps} steps, chosen by cross-validation within the training texts."
        )
    _json(found, choices, "nonlinear", one)


def nonlinear_sentence(found: Nonlinear) -> str:
    """Whether the network reads more."""
    if found.difference_ci is None:
        return (
            f"Whether a network reads more cannot be told on these {found.n_test:,} texts: both reach AUROC "
            f"{found.auroc:.3f}, in every resample alike."
        )
    low, high = found.difference_ci
    if low > 0:
        verdict = "**The network reads more**: some of the concept lies on no single direction."
    elif high < 0:
        verdict = "**The network reads less** than the line, which has fewer ways to go wrong."
    else:
        verdict = "Nothing shows that a network reads more than the line does."
    return (
        f"{verdict} AUROC {found.auroc:.3f} against {found.linear_auroc:.3f}, difference {found.difference:+.3f} "
        f"(95% interval {low:+.3f} to {high:+.3f}, on the same {found.n_test:,} texts)."
    )


def nonlinear_marks(found: Nonlinear) -> list[Mark]:
    """The network, the line, and the network's control."""
    shuffled = found.shuffled
    return [
        Mark("Small network", found.auroc, *found.auroc_ci, series="network"),
        Mark(method_name(found.method), found.linear_auroc, *found.linear_ci, series="linear"),
        Mark("Network, shuffled labels", shuffled.auroc, shuffled.lowest, shuffled.highest, control=True),
    ]


def _json(found: LearningCurve | Nonlinear, choices: Choices, name: str, one: ProbeResult) -> None:
    from core.probing import to_plain

    json_button(lambda: to_plain(found), f"{name}-{file_part(choices.concept)}-{one.layer}-{one.method}.json")
