"""A sweep as curves, as a heat map or as a table, by any of its scores; and which probe is looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

from core.charts import Curve, Level, grid, layer_curves
from core.concept.figures import METHOD_NAMES, sweep_figure
from core.probing import ProbeResult, Sweep
from pages.shared.links import choose, linked
from pages.shared.sweeps import (
    ACCURACY_HELP,
    AUROC_HELP,
    COMPRESSION_HELP,
    SELECTIVITY_HELP,
    method_name,
    show_table,
    sweep_table,
)

VIEWS = {"curves": "Curves", "map": "Heat map", "table": "Table"}
STRONGEST = "strongest"
NAMES = {title: name for name, title in METHOD_NAMES.items()}


@dataclass(frozen=True)
class Score:
    """A score that a sweep can be looked at by. of: value and its band, or None where it was not computed.

    nothing: what it is where there is nothing to find. share: whether it lies within 0-1.
    """

    title: str
    help: str
    of: Callable[[ProbeResult], tuple[float, float, float] | None]
    nothing: float
    share: bool = True


def _selectivity(one: ProbeResult) -> tuple[float, float, float] | None:
    task = one.control_task
    if task is None:
        return None
    return task.selectivity, one.accuracy - task.control_highest, one.accuracy - task.control_lowest


def _compression(one: ProbeResult) -> tuple[float, float, float] | None:
    return None if one.codelength is None else (one.codelength.compression,) * 3


def _splits(one: ProbeResult) -> tuple[float, float, float] | None:
    values = one.seed_aurocs
    return (sum(values) / len(values), min(values), max(values)) if len(values) > 1 else None


SCORES = {
    "auroc": Score("AUROC", AUROC_HELP, lambda one: (one.auroc, *one.auroc_ci), 0.5),
    "accuracy": Score("Accuracy", ACCURACY_HELP, lambda one: (one.accuracy,) * 3, 0.5),
    "selectivity": Score("Selectivity", SELECTIVITY_HELP, _selectivity, 0.0, share=False),
    "compression": Score("Compression", COMPRESSION_HELP, _compression, 1.0, share=False),
    "splits": Score("AUROC over splits", "Mean AUROC over the splits; the band spans all of them.", _splits, 0.5),
}


def show(sweep: Sweep) -> ProbeResult:
    """Draw the chosen view of the sweep, and the choice of one probe, which is returned."""
    known = {key: score for key, score in SCORES.items() if all(score.of(one) for one in sweep.results)}
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        view = linked(
            st.segmented_control,
            "View",
            key="view",
            default="curves",
            valid=VIEWS.__contains__,
            options=list(VIEWS),
            format_func=VIEWS.__getitem__,
            required=True,
        )
    with right:
        score = linked(
            st.selectbox,
            "Score",
            key="score",
            default="auroc",
            valid=known.__contains__,
            options=list(known),
            format_func=lambda key: SCORES[key].title,
            help="  \n".join(f"**{one.title}**: {one.help}" for one in known.values()),
        )
    place = st.container()
    focus = _choose_probe(sweep)
    with place:
        if view == "curves":
            _curves(sweep, score)
        elif view == "map":
            _map(sweep, score, focus)
        else:
            show_table(sweep_table(sweep))
    return focus


def _choose_probe(sweep: Sweep) -> ProbeResult:
    probes = {f"{one.layer}.{one.method}": one for one in sweep.results}

    def named(key: str) -> str:
        one = sweep.best if key == STRONGEST else probes[key]
        return f"{'Strongest: layer' if key == STRONGEST else 'Layer'} {one.layer} · {method_name(one.method)}"

    key = linked(
        st.selectbox,
        "Probe to look at",
        key="probe",
        default=STRONGEST,
        valid=lambda key: key == STRONGEST or key in probes,
        options=[STRONGEST, *probes],
        format_func=named,
        help="Everything below is about this probe. A click on a cell of the heat map or on a point of a curve chooses "
        "it too.",
    )
    return sweep.best if key == STRONGEST else probes[key]


def score_figure(sweep: Sweep, key: str) -> go.Figure:
    """A score by layer, a line for each method."""
    if key == "auroc":
        return sweep_figure(sweep)
    score = SCORES[key]
    curves = []
    for method in dict.fromkeys(one.method for one in sweep.results):
        own = sorted((one for one in sweep.results if one.method == method), key=lambda one: one.layer)
        values = [value for one in own if (value := score.of(one))]
        curves.append(Curve(method_name(method), [one.layer for one in own], *map(list, zip(*values, strict=True))))
    levels = [Level("The larger class", sweep.majority_accuracy)] if key == "accuracy" else []
    return layer_curves(curves, levels=levels, title=score.title, nothing=score.nothing, share=score.share)


def map_figure(sweep: Sweep, key: str, focus: ProbeResult) -> go.Figure:
    """Layers by methods, coloured by a score."""
    score = SCORES[key]
    layers = sorted({one.layer for one in sweep.results})
    methods = list(dict.fromkeys(one.method for one in sweep.results))
    by_place = {(methods.index(one.method), layers.index(one.layer)): one for one in sweep.results}
    values: list[list[float | None]] = [[None] * len(layers) for _ in methods]
    hover = [[""] * len(layers) for _ in methods]
    for (row, column), one in by_place.items():
        found = score.of(one)
        values[row][column] = None if found is None else found[0]
        hover[row][column] = _said(one)
    seen = [value for row in values for value in row if value is not None]
    ends = (score.nothing, 1.0) if score.share else (min([score.nothing, *seen]), max(seen))

    def place(wanted: ProbeResult) -> tuple[int, int]:
        return methods.index(wanted.method), layers.index(wanted.layer)

    return grid(
        layers,
        [method_name(method) for method in methods],
        values,
        hover,
        title=score.title,
        ends=ends,
        best=place(sweep.best),
        chosen=place(focus),
    )


def _said(one: ProbeResult) -> str:
    """What a cell tells when it is pointed at."""
    low, high = one.auroc_ci
    lines = [
        f"<b>layer {one.layer}, {method_name(one.method)}</b>",
        f"AUROC {one.auroc:.3f} ({low:.3f} to {high:.3f})",
        f"accuracy {one.accuracy:.3f}",
        f"shuffled labels {one.shuffled.auroc:.3f}, random direction {one.random.auroc:.3f}",
    ]
    if one.control_task is not None:
        lines.append(f"selectivity {one.control_task.selectivity:.3f}")
    if one.codelength is not None:
        lines.append(f"code {one.codelength.bits:,.0f} bits, compression {one.codelength.compression:.2f}")
    if len(one.seed_aurocs) > 1:
        lines.append(f"over splits {min(one.seed_aurocs):.3f} to {max(one.seed_aurocs):.3f}")
    return "<br>".join(lines)


def _curves(sweep: Sweep, key: str) -> None:
    def take() -> None:
        for point in st.session_state["curve"]["selection"]["points"]:
            if (method := NAMES.get(point.get("legendgroup", ""))) is not None:
                choose("probe", f"{int(point['x'])}.{method}")

    st.plotly_chart(
        score_figure(sweep, key),
        key="curve",
        on_select=take,
        selection_mode="points",
        config={"displayModeBar": False},
        alt=f"{SCORES[key].title} by layer for each method, with intervals, controls and baselines",
    )
    if key == "auroc":
        st.caption(
            "Bands are 95% intervals. Dotted: the same probe trained on shuffled labels, which should stay near 0.5. "
            "Dashed: what the texts give away without a model, and what the first block holds. The ring marks the "
            "strongest layer."
        )


def _map(sweep: Sweep, key: str, focus: ProbeResult) -> None:
    def take() -> None:
        layers = sorted({one.layer for one in sweep.results})
        methods = list(dict.fromkeys(one.method for one in sweep.results))
        for point in st.session_state["map"]["selection"]["points"]:
            row, column = divmod(int(point["point_index"]), len(layers))
            choose("probe", f"{layers[column]}.{methods[row]}")

    st.plotly_chart(
        map_figure(sweep, key, focus),
        key="map",
        on_select=take,
        selection_mode="points",
        config={"displayModeBar": False},
        alt=f"{SCORES[key].title} of each layer and method as a heat map",
    )
    st.caption("Click a cell to look at its probe. Ring: the strongest; frame: the one that is looked at below.")
