"""One cell of a test: its figures, its null, what pushes did, and the inputs behind it."""

from __future__ import annotations

import streamlit as st

from core.charts import Line, lines, null_histogram
from core.stats.told import share
from core.tcav import KINDS
from core.tcav.result import NULL_EDGES
from core.tcav.telling import Cell, listed, share_below, signed, small
from pages.shared import tcav_inputs
from pages.shared.frame import go_steer
from pages.shared.tcav_choices import OWN, Choices
from pages.shared.tcav_figure import figure_config
from pages.shared.tcav_words import (
    AUROC_HELP,
    CI,
    COSINE_HELP,
    DERIVATIVE_HELP,
    P_HELPS,
    PUSH_HELP,
    RANK_HELP,
    SCORE_HELP,
    SPECIFICITY_HELP,
    Z_HELP,
    target_name,
)
from pages.shared.text import plain


def show(choices: Choices, cell: Cell, titles: dict[str, str]) -> None:
    """Draw it."""
    st.subheader(f"{plain(titles[cell['concept']])} at layer {cell['layer']}", anchor=False)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.plotly_chart(
            null_histogram(NULL_EDGES, cell["null"], cell["z"]),
            key="tcav_null",
            config=figure_config("tcav-null"),
            alt=f"How often dealing the labels anew gave each z; the real one is {cell['z']:.1f}",
        )
        st.caption(
            f"Grey: z under {sum(cell['null']):,} dealings of the labels anew. Line: z with the true labels. What lies "
            "beyond ±6 is counted in the outermost bars."
        )
        if cell["push"] is not None:
            _pushes(cell)
    with right:
        _metrics(cell, choices.how.correction)
    if choices.kind == "text":
        # Steering makes its own: difference of means, against the set's negatives, of means over tokens.
        same = (cell["cav"], choices.negatives, choices.how.pool) == ("diffmean", OWN, "mean")
        go_steer(
            f"Steer along {'it' if same else 'this concept'} at layer {cell['layer']}",
            model=choices.model,
            concept=cell["concept"],
            layer=cell["layer"],
            method="diffmean",
        )
    tcav_inputs.show(choices, cell)


def _metrics(cell: Cell, correction: str) -> None:
    columns = st.columns(2)
    unit = "" if cell["specificity"] is None else f"{cell['controls']} controls"

    def metric(place: int, label: str, value: str, below: str, help: str) -> None:
        columns[place].metric(label, value, below or None, delta_color="off", delta_arrow="off", help=help)

    def between(name: str) -> str:
        low, high = cell[f"{name}_ci"]
        return " to ".join(share(end) if name in ("score", "auroc") else signed(end) for end in (low, high))

    metric(0, "Sign score", share(cell["score"]), between("score"), f"{SCORE_HELP} Below: {CI}.")
    metric(1, "AUROC of the CAV", share(cell["auroc"]), between("auroc"), f"{AUROC_HELP} Below: 95% interval, these "
           f"directions on other rows. p {small(cell['auroc_p'])}.")  # fmt: skip
    metric(0, "Mean cosine", signed(cell["mean_cosine"]), between("mean_cosine"), f"{COSINE_HELP} Below: {CI}.")
    metric(
        1,
        "z",
        signed(cell["z"], 1),
        f"adjusted p {small(cell['p_adjusted'])}",
        f"{Z_HELP} **Adjusted p**: {P_HELPS[correction]}",
    )
    if cell["push_effect"] is not None:
        metric(0, "Push effect", signed(cell["push_effect"]), f"rank {cell['push_rank']} of 21", f"{PUSH_HELP} "
               f"**Rank**: {RANK_HELP}")  # fmt: skip
    if cell["specificity"] is not None:
        metric(1, "Specificity", share_below(cell["specificity"]), f"of {unit}", SPECIFICITY_HELP)
    metric(0, "Mean derivative", f"{cell['mean_derivative']:+.2g}".replace("-", "−"), "", f"{DERIVATIVE_HELP} "
           f"{CI}: {cell['mean_derivative_ci'][0]:.2g} to {cell['mean_derivative_ci'][1]:.2g}.")  # fmt: skip
    shares = cell["variance_shares"]
    told = [f"{part:.0%} from the choice of {name}" for name, part in shares.items()]
    st.caption(
        f"{KINDS[cell['cav']].title}; {cell['n_positives']:,} positives, {cell['n_negatives']:,} negatives, "
        f"{cell['n_inputs']:,} inputs. Of the sign score's variance {listed(told)}."
        + "".join(f" Cosine of {pair.replace(' ', ' and ')}: {value:.2f}." for pair, value in cell["cosines"].items())
    )


def _pushes(cell: Cell) -> None:
    doses = {float(dose): change for dose, change in cell["push"]["changes"].items()} | {0.0: 0.0}
    x = sorted(doses)
    st.plotly_chart(
        lines(
            [Line("change of the answer", x, [doses[dose] for dose in x])],
            x_title="dose, in typical norms along the CAV",
            y_title="change",
            level=("no change", 0.0),
            height=220,
        ),
        key="tcav_pushes",
        config=figure_config("tcav-pushes"),
        alt="Mean change of the answer under real pushes at four doses",
    )
    st.caption(
        f"What “{plain(target_name(cell['target']))}” does when the model is really pushed: mean over "
        f"{cell['push']['inputs']} inputs, in the answer's unit."
    )
