"""Is it this concept? Concepts against one another, without one another, and against other negatives."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.charts import Mark, cosine_map, grid, marks
from core.errors import UserError
from core.progress import Listener
from core.tcav.cavs import kind_named
from core.tcav.sources import Labelled
from core.tcav.telling import Cell, signed, small
from pages.shared.downloads import csv_button, file_part
from pages.shared.links import comma, linked
from pages.shared.tcav_choices import Choices
from pages.shared.tcav_figure import figure_config
from pages.shared.tcav_form import title_of
from pages.shared.tcav_inputs import listener
from pages.shared.text import plain, shortened

MOST_POOLS = 6


def _place(choices: Choices, cell: Cell) -> tuple[int, int]:
    """Numbers of the cell's concept and site."""
    return choices.concepts.index(cell["concept"]), choices.layers.index(cell["layer"])


def entangled(choices: Choices, cell: Cell, titles: dict[str, str]) -> None:
    """Cosines between the CAVs at the cell's layer, and what one reads of another's rows."""
    from core.tcav.entanglement import entanglement

    if len(choices.concepts) < 2:
        st.info("Choose other concepts beside this one above: then it shows how far they are the same thing here.")
        return
    bar = st.empty()
    again = choices.reopened(listener(bar)).at(_place(choices, cell)[1])
    bar.empty()
    found = entanglement(again.concepts, 0, kind_named(again.settings.cav), again.question.metrics[0])
    names = [shortened(titles[name], 32) for name in found.names]
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Cosines between CAVs**")
        st.plotly_chart(
            cosine_map(names, found.cosines),
            key="tcav_cosines",
            config=figure_config("tcav-cosines"),
            alt="Cosines between the concepts' CAVs",
        )
        st.caption("−1 to 1. Near 1: a score of the one is a score of the other.")
    with right:
        st.markdown("**How well each CAV (row) reads each concept (column)**")
        numbers = list(range(len(names)))
        st.plotly_chart(
            grid(
                numbers,
                names,
                found.reads.tolist(),
                [[f"{row} reads {column}: AUROC {value:.3f}" for column, value in zip(names, line, strict=True)]
                 for row, line in zip(names, found.reads, strict=True)],
                title="AUROC",
                ends=(0.0, 1.0),
                column_names=names,
            ),
            key="tcav_reads",
            config=figure_config("tcav-reads"),
            alt="AUROC with which each concept's CAV tells another's positives from its negatives",
        )  # fmt: skip
        st.caption(
            "AUROC, 0 to 1; 0.5: nothing in common, below: turned round. On the diagonal the rows are those that the "
            "CAV was made from, which flatters it; and wherever two concepts share negatives, so are these, off the "
            "diagonal too, where 0.5 then no longer means nothing in common."
        )


def confound(choices: Choices, cell: Cell, titles: dict[str, str]) -> None:
    """The cell's scores once another concept's direction is taken out."""
    from core.tcav.analysis import analyse
    from core.tcav.entanglement import cav_of, without

    infos = choices.infos
    others = [id for id in infos if id != cell["concept"]]
    beside = [id for id in choices.concepts if id in others]
    id = linked(
        st.selectbox,
        "Take out",
        key="confound",
        default=(beside or others)[0],
        always=True,
        valid=others.__contains__,
        options=[*beside, *(id for id in others if id not in beside)],
        format_func=lambda id: title_of(infos, id),
        help="Its CAV (positives against its own negatives, at this layer) is projected out of the gradients, and so "
        "out of every CAV: what is left cannot be owed to it.",
    )
    bar = st.empty()
    draw = listener(bar)
    concept, site = _place(choices, cell)
    again = choices.reopened(draw).at(site)
    # From rows that are not the concept's own: else the direction holds the noise of the very rows whose labels are
    # dealt anew, and p does not hold.
    withheld = ""
    try:
        removed = again.another(choices.open_set(id), beside=concept, progress=draw)
    except UserError as reason:
        removed, withheld = again.another(choices.open_set(id), progress=draw), str(reason)
    direction = cav_of(removed, 0, kind_named(again.settings.cav), again.question.metrics[0])
    question = again.question
    found = {
        "as it is": analyse([again.concepts[concept]], question, again.settings),
        f"without {shortened(infos[id].title, 30)}": analyse(
            [again.concepts[concept]], without(question, [direction[None]]), again.settings
        ),
    }
    bar.empty()
    cosine = float(again.cav(concept, 0) @ direction)
    told = {name: next(one.to_json() for one in cells if one.target == cell["target"]) for name, cells in found.items()}
    if withheld:
        list(told.values())[1].update(p=None, z=None)
        st.info(
            "The two sets share examples, and without those too few are left to take this concept out cleanly "
            f"({plain(withheld)}) So there is no p and no z without it: they would not hold."
        )
    _answers(
        told,
        "tcav_confound",
        f"tcav-without-{file_part(id)}",
    )
    st.caption(
        f"The two CAVs have a cosine of {signed(cosine)}. If the score stays, it is not owed to "
        f"“{plain(infos[id].title)}”"
        "; if it goes, the two cannot be told apart here. p is for this layer alone."
    )


def negatives(choices: Choices, cell: Cell, titles: dict[str, str]) -> None:
    """The same positives against several pools of negatives."""
    infos = choices.infos
    usual = [id for id in choices.concepts if id != cell["concept"]][:2]
    ids = linked(
        st.multiselect,
        "Negatives of these sets, beside the ones that were used",
        key="pools",
        default=usual,
        read=lambda text: [id for id in text.split(",") if id],
        write=lambda ids: comma(ids) or ",",
        valid=lambda ids: ids is not None and len(ids) <= MOST_POOLS and set(ids) <= set(infos),
        options=list(infos),
        format_func=lambda id: title_of(infos, id),
        max_selections=MOST_POOLS,
        help="The same positives are set against each pool. Where two pools say opposite signs, the score is a "
        "statement about the negatives as much as about the concept.",
    )
    if not ids:
        st.info("Choose one or more sets whose negatives shall stand in.")
        return
    bar = st.empty()
    found, sensitivity = _against(choices, cell, {id: choices.open_set(id) for id in ids}, listener(bar))
    bar.empty()
    table = pd.DataFrame(
        {
            "negatives": "as tested" if one.pool == "" else infos[one.pool].title,
            "sign_score": one.scores.sign,
            "mean_cosine": one.scores.mean_cosine,
            "z": one.z,
            "p": one.p,
        }
        for one in found
    )
    rows = [
        Mark(shortened(name, 36), z, control=p > 0.05, about=f"p {small(p)}")
        for name, z, p in zip(table["negatives"], table["z"], table["p"], strict=True)
    ]
    st.plotly_chart(
        marks(rows, title="z", nothing=0.0),
        key="tcav_pools",
        config=figure_config("tcav-negatives"),
        alt="z of the same positives against each pool of negatives",
    )
    if sensitivity.flips:
        st.warning("The sign turns with the negatives: two pools, each with p up to 0.05, say opposite things.")
    st.caption(
        f"z against each pool, at layer {cell['layer']}; hollow: p above 0.05, for this layer alone. The mean cosines "
        f"lie {sensitivity.spread:.3f} apart. Texts that have nothing else in common with the positives make any "
        "concept easy to read; the closest negatives say most."
    )
    csv_button(table, f"tcav-negatives-{file_part(cell['concept'])}-{cell['layer']}.csv")


def _against(choices: Choices, cell: Cell, pools: dict[str, Labelled], draw: Listener) -> tuple[list[Any], Any]:
    from core.tcav.negatives import against_pools
    from core.tcav.sources import pool_of

    concept, site = _place(choices, cell)
    again = choices.reopened(draw).at(site)
    examples = choices.open_set(cell["concept"])
    tested = {"": again.concepts[concept]}
    for id, pool in pools.items():
        tested[id] = again.another(examples, negatives=pool_of(pool), progress=draw)
    found, sensitivities = against_pools(tested, again.question, again.settings)
    own = [one for one in found if one.target == cell["target"]]
    return own, next(one for one in sensitivities if one.target == cell["target"])


def _answers(cells: dict[str, dict[str, Any]], key: str, file: str) -> None:
    """Mean cosines beside one another with their intervals, and a table."""
    rows = [
        Mark(
            name,
            one["mean_cosine"],
            one["mean_cosine_ci"][0],
            one["mean_cosine_ci"][1],
            control=one["p"] is not None and one["p"] > 0.05,
            about="no p" if one["p"] is None else f"p {small(one['p'])}",
        )
        for name, one in cells.items()
    ]
    st.plotly_chart(
        marks(rows, title="mean cosine", nothing=0.0),
        key=key,
        config=figure_config(file),
        alt="Mean cosines with 95% intervals",
    )
    table = pd.DataFrame(
        {"": name, **{column: one[column] for column in ("score", "mean_cosine", "z", "p", "auroc")}}
        for name, one in cells.items()
    )
    digits = {"score": 3, "mean_cosine": 4, "z": 2, "auroc": 3}  # p as it is: rounded, a small one would read as 0
    formats = {"p": st.column_config.NumberColumn(format="%.3g")}
    st.dataframe(table.round(digits), hide_index=True, column_config=formats, alt="Scores beside one another")
    csv_button(table.rename(columns={"": "which"}), f"{file}.csv")
