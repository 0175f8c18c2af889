"""Kinds of inputs: does the answer depend on the concept more for some than for others?"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.charts import Mark, marks
from core.tcav.cavs import kind_named
from core.tcav.reopening import Reopened
from core.tcav.telling import Cell, listed
from pages.shared.downloads import csv_button, file_part
from pages.shared.links import linked
from pages.shared.tcav_choices import Choices
from pages.shared.tcav_figure import figure_config
from pages.shared.tcav_inputs import listener
from pages.shared.tcav_words import COSINE_HELP, SCORE_HELP
from pages.shared.text import plain, shortened

WAYS = {"class": "Class in their set", "kind": "Kinds that their set names", "length": "Length", "answer": "Answer now"}


def show(choices: Choices, cell: Cell, titles: dict[str, str]) -> None:
    """Choose how inputs are told apart; scores of each kind, and their differences."""
    from core.tcav.subgroups import FEWEST, by_subgroup

    ways = _ways(choices)
    way = linked(
        st.segmented_control,
        "Tell inputs apart by",
        key="apart",
        default=ways[0],
        valid=ways.__contains__,
        options=ways,
        format_func=WAYS.__getitem__,
        required=True,
        help="Length and answer: the lower half against the upper.",
    )
    bar = st.empty()
    again = choices.reopened(listener(bar))
    bar.empty()
    concept, site = choices.concepts.index(cell["concept"]), choices.layers.index(cell["layer"])
    found = by_subgroup(
        again.concepts[concept],
        site,
        kind_named(again.settings.cav),
        again.question.metrics[site],
        again.question.gradients[cell["target"]][site],
        again.question.groups,
        _names(choices, again, cell, way),
        seed=again.settings.seed,
    )
    left, right = st.columns(2, gap="large")
    with left:
        rows = [
            Mark(shortened(name, 30), one.mean_cosine, about=f"{found.sizes[name]} inputs, sign score {one.sign:.2f}")
            for name, one in found.scores.items()
        ]
        st.plotly_chart(
            marks(rows, title="mean cosine", nothing=0.0),
            key="tcav_kinds",
            config=figure_config("tcav-kinds"),
            alt="Mean cosine of each kind of input",
        )
    with right:
        differences = [
            Mark(f"{shortened(one.one, 18)} − {shortened(one.other, 18)}", one.cosine, *one.cosine_ci)
            for one in found.differences
        ]
        st.plotly_chart(
            marks(differences, title="difference of mean cosines", nothing=0.0),
            key="tcav_differences",
            config=figure_config("tcav-differences"),
            alt="Differences of mean cosines with 95% intervals",
        )
    table = pd.DataFrame(
        {
            "one": one.one,
            "other": one.other,
            "sign_difference": one.sign,
            "sign_low": one.sign_ci[0],
            "sign_high": one.sign_ci[1],
            "cosine_difference": one.cosine,
            "cosine_low": one.cosine_ci[0],
            "cosine_high": one.cosine_ci[1],
        }
        for one in found.differences
    )
    st.dataframe(table.round(3), hide_index=True, alt="Differences between kinds of inputs")
    st.caption(
        "Differences with 95% intervals from common resamples of positives, negatives and inputs: where one leaves "
        "out 0, the answer depends on the concept more for the one kind; with many kinds one pair in twenty does so by "
        f"chance. Mean cosine: {COSINE_HELP} {SCORE_HELP}"
    )
    if found.left_out:
        names = listed([f"“{plain(shortened(name, 40))}”" for name in found.left_out])
        st.caption(f"Left out, since fewer than {FEWEST} inputs are of that kind: {names}.")
    csv_button(table, f"tcav-kinds-{file_part(cell['concept'])}-{cell['layer']}.csv")


def _ways(choices: Choices) -> list[str]:
    """How these inputs can be told apart."""
    if choices.prompts:
        return ["length", "answer"]
    examples = choices.open_set(choices.inputs, choices.how.inputs_limit)
    classes = ["class"] if examples.n_positives and examples.n_negatives else []
    kinds = ["kind"] if examples.subgroups else []
    return [*classes, *kinds, *(["length"] if choices.kind == "text" else []), "answer"]


def _names(choices: Choices, again: Reopened, cell: Cell, way: str) -> list[str]:
    """The kind of each input that was used; "" for none."""
    if way in ("length", "answer"):
        values = [float(len(text)) for text in again.items] if way == "length" else list(again.values[cell["target"]])
        middle = sorted(values)[len(values) // 2]
        low, high = ("shorter", "longer") if way == "length" else ("lower answer", "higher answer")
        return [high if value >= middle else low for value in values]
    examples = choices.open_set(choices.inputs, choices.how.inputs_limit)
    inputs = choices.open_inputs()  # cut at the mark, as they were used
    told = (
        [examples.positive_name if label else examples.negative_name for label in examples.labels]
        if way == "class"
        else list(examples.subgroups or ())
    )
    by_item = {_named(item): name for item, name in zip(inputs.items, told, strict=True)}
    return [by_item.get(_named(item), "") for item in again.items]


def _named(item: Any) -> str:
    """What tells a text or an image from others."""
    return item if isinstance(item, str) else str(item.digest)
