"""One probe beside everything that could explain its score away."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from core.charts import Mark, marks
from core.probing import ProbeResult, Sweep
from pages.shared.sweeps import ACCURACY_HELP, AUROC_HELP, CODELENGTH_HELP, SELECTIVITY_HELP, spoken

TITLES = {
    "layer0": "After block 0",
    "tfidf": "Words alone (TF-IDF)",
    "length": "Length alone",
    "majority": "The larger class",
}


def controls_figure(sweep: Sweep, one: ProbeResult) -> go.Figure:
    """The probe's AUROC above its controls and baselines."""
    rows = [Mark("This probe", one.auroc, *one.auroc_ci, about=f"95% interval, {one.n_test:,} texts")]
    if len(one.seed_aurocs) > 1:
        mean = sum(one.seed_aurocs) / len(one.seed_aurocs)
        about = f"{len(one.seed_aurocs)} splits: mean, lowest, highest"
        rows.append(Mark("Over splits", mean, min(one.seed_aurocs), max(one.seed_aurocs), about=about))
    by_name = {base.name: base for base in sweep.baselines}
    rows += [
        Mark(TITLES[name], by_name[name].auroc, *by_name[name].auroc_ci, control=True, about="95% interval")
        for name in ("layer0", "tfidf", "length")
        if name in by_name
    ]
    for title, control in (("Random direction", one.random), ("Shuffled labels", one.shuffled)):
        about = f"{control.runs} runs: mean, lowest, highest"
        rows.append(Mark(title, control.auroc, control.lowest, control.highest, control=True, about=about))
    if "majority" in by_name:
        rows.append(Mark(TITLES["majority"], by_name["majority"].auroc, control=True, about="it ranks nothing"))
    return marks(rows, ends=(min(0.4, min(one.shuffled.lowest, one.random.lowest) - 0.02), 1.01))


def show(sweep: Sweep, one: ProbeResult) -> None:
    """The figure, and the scores that are no AUROC."""
    st.subheader(f"Layer {one.layer}, {spoken(one.method)}", anchor=False)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.plotly_chart(
            controls_figure(sweep, one),
            key="controls_chart",
            config={"displayModeBar": False},
            alt="AUROC of this probe with its interval, above the same for controls and baselines",
        )
        st.caption("Blue: this probe. Grey: what the same score is without the model, without labels or without a fit.")
    with right:
        _metrics(sweep, one)


def _metrics(sweep: Sweep, one: ProbeResult) -> None:
    columns = st.columns(2)
    low, high = one.auroc_ci
    columns[0].metric("AUROC", f"{one.auroc:.3f}", help=f"95% interval {low:.3f} to {high:.3f}. {AUROC_HELP}")
    columns[1].metric(
        "Accuracy",
        f"{one.accuracy:.3f}",
        f"{one.accuracy - sweep.majority_accuracy:+.3f} to larger class",
        delta_color="off",
        delta_arrow="off",
        help=ACCURACY_HELP,
    )
    task, code = one.control_task, one.codelength
    if task is None:
        columns[0].metric("Selectivity", "not computed", help=SELECTIVITY_HELP)
    else:
        columns[0].metric(
            "Selectivity",
            f"{task.selectivity:+.3f}",
            f"control task {task.control_accuracy:.3f}",
            delta_color="off",
            delta_arrow="off",
            help=f"{SELECTIVITY_HELP} Here over {task.runs} draws: {task.control_lowest:.3f} to "
            f"{task.control_highest:.3f} on the control task, of {task.words:,} words; {task.known:.0%} of the test "
            "texts begin with a word that training has.",
        )
    if code is None:
        columns[1].metric("Code length", "not computed", help=CODELENGTH_HELP)
    else:
        columns[1].metric(
            "Code length",
            f"{code.bits:,.0f} bits",
            f"{code.compression:.2f}× shorter",
            delta_color="off",
            delta_arrow="off",
            help=f"{CODELENGTH_HELP} Without: {code.bits_without:,.0f} bits.",
        )
    settings = ", ".join(f"{name} {value:.4g}" for name, value in one.settings.items())
    st.caption(
        f"Trained on {one.n_train:,} texts, scored on {one.n_test:,} others; split seed {sweep.seed}. Within training "
        f"alone, by cross-validation: {one.cv_auroc:.3f}."
        + (f" Settings chosen there: {settings}." if settings else "")
    )
