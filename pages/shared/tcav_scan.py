"""The scan: every set at hand, ranked for one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from core.charts import Mark, marks
from core.tcav.controls import control_ids
from core.tcav.scan import ROWS, concepts_at_hand
from core.tcav.telling import listed, share_below, signed, small
from core.tcav.verdict import ORDER, SUPPORTED
from pages.shared import cached_tcav, tcav_cost
from pages.shared.downloads import csv_button, file_part, json_button
from pages.shared.frame import Chosen, go_to
from pages.shared.hardware import as_arguments
from pages.shared.links import comma, linked
from pages.shared.parts import part
from pages.shared.tcav_choices import Choices
from pages.shared.tcav_figure import figure_config
from pages.shared.tcav_runs import known_or_run
from pages.shared.tcav_table import show_table, table_of
from pages.shared.tcav_words import LOOKS, MEANINGS, counts, target_name
from pages.shared.text import plain, shortened

if TYPE_CHECKING:
    from core.models import AnyModel, ImageModel

SHORT, ALL = "short", "all"
WHICH = {SHORT: "The 60 sets of shortest texts, and your own", ALL: "All sets"}
DRAWN = 25  # in the figure


def show(choices: Choices, chosen: Chosen) -> None:
    """What to scan, and the ranking."""
    left, right = st.columns(2)
    with left:
        which = linked(
            st.segmented_control,
            "Sets",
            key="sets",
            default=SHORT,
            valid=WHICH.__contains__,
            options=list(WHICH),
            format_func=WHICH.__getitem__,
            required=True,
            help="Short texts take a seventh of the time of all. Sets are set against their own negatives.",
        )
    with right:
        rows = linked(
            st.number_input,
            "Rows of each set",
            key="scan_rows",
            default=ROWS,
            read=int,
            valid=lambda number: isinstance(number, int) and 20 <= number <= 10_000,
            min_value=20,
            max_value=10_000,
            step=20,
            help="At most; the classes in proportion. A CAV of few rows points partly nowhere, so that a concept that "
            "matters is ranked lower with fewer.",
        )
    ids = _ids(which, choices.kind)
    layer = choices.layers[0]
    found = known_or_run(
        lambda: cached_tcav.answer(choices.model, choices.kind, lambda model: _scan(choices, ids, rows, layer, model)),
        _arguments(choices, which, ids, rows, layer),
        title=f"TCAV scan for {target_name(choices.targets[0])} in {choices.model}",
        button="Run the scan",
        cost=lambda: tcav_cost.of_scan(choices, [choices.open_set(id, rows) for id in ids], chosen.layers, layer),
    )
    if found is not None:
        _result(choices, found)


def _ids(which: str, kind: str) -> list[str]:
    """The sets to scan: those of the user always, of the bundled ones the short or all; of images all."""
    at_hand = concepts_at_hand(images=kind == "image")
    if which == ALL or kind == "image":
        return at_hand
    short = set(control_ids())
    return [id for id in at_hand if id in short or not id.startswith("sae-probes/")]


def _arguments(choices: Choices, which: str, ids: list[str], rows: int, layer: int) -> list[str]:
    words = ["tcav", "scan", choices.model, "--layer", str(layer), *choices.asked(), "--limit", str(rows)]
    words += ["--concepts", comma(ids)] if which == SHORT and choices.kind == "text" else []
    if choices.kind == "image" and choices.how.controls != 60:
        words += ["--controls", str(choices.how.controls)]
    words += ["--pushed", str(choices.how.pushed)] if choices.how.pushed != 32 else []
    return [*words, *as_arguments()]


def _scan(choices: Choices, ids: list[str], rows: int, layer: int, model: AnyModel | ImageModel) -> dict[str, Any]:
    from core.tcav import Reading
    from core.tcav.known import known_target
    from core.tcav.scan import scan

    how = choices.how
    return scan(
        model,
        [choices.open_set(id, rows) for id in ids],
        known_target(model, choices.targets[0]),
        choices.open_inputs(),
        layer,
        settings=how.settings(),
        reading=Reading(how.pool),
        controls=choices.controls() if choices.kind == "image" else (),
        pushed=how.pushed,
        compute=False,
    )


@part
def _result(choices: Choices, found: dict[str, Any]) -> None:
    results = found["results"]
    infos = choices.infos
    titles = {id: infos[id].title if id in infos else id for id in (one["concept"] for one in results)}
    st.markdown(sentence(results, titles, choices.targets[0]))
    st.plotly_chart(
        marks(ranking(results, titles), title="mean cosine of gradient and CAV", nothing=0.0),
        key="scan_marks",
        config=figure_config("tcav-scan"),
        alt=f"The {DRAWN} sets with the largest mean cosines",
    )
    st.caption(
        f"The {min(DRAWN, len(results))} largest of {len(results)} by the size of the mean cosine. Filled: the answer "
        "depends on the concept beyond sampling noise (p adjusted over all sets by Benjamini and Hochberg) and the "
        "concept can be read. ★ supported: also beyond 95% of the sets about as readable, and a real push acts."
    )
    table = table_of(results)
    with st.expander("All sets and numbers", icon=":material/table:"):
        show_table(table, "bh")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = f"tcav-scan-{file_part(choices.targets[0])}-{choices.layers[0]}"
        csv_button(table, f"{name}.csv")
        json_button(lambda: found, f"{name}.json")
    _closer(choices, results, titles)
    if found["notes"]:
        with st.expander(f"{len(found['notes'])} notes", icon=":material/info:"):
            for note in found["notes"]:
                st.caption(plain(note))


def _closer(choices: Choices, results: list[dict[str, Any]], titles: dict[str, str]) -> None:
    ids = [one["concept"] for one in results]
    with st.container(border=True):
        id = linked(
            st.selectbox,
            "Look closer at",
            key="closer",
            default=ids[0],
            valid=ids.__contains__,
            options=ids,
            format_func=lambda id: f"{ids.index(id) + 1}. {titles[id]}",
        )
        one = results[ids.index(id)]
        icon, color = LOOKS[one["verdict"]]
        st.badge(one["verdict"], icon=icon, color=color)  # type: ignore[arg-type]
        st.caption(f"{MEANINGS[one['verdict']]}  \n{plain(said(one))}")
        key = "concept" if choices.kind == "text" else "images"
        go_to("tcav", "Test this concept over layers", icon=":material/grid_on:", panel="test", **{key: id})


def said(one: dict[str, Any]) -> str:
    """The figures of one set in a line."""
    told = [
        f"mean cosine {signed(one['mean_cosine'], 3)}",
        f"sign score {one['score']:.2f}",
        f"adjusted p {small(one['p_adjusted'])}",
        f"AUROC {one['auroc']:.2f}",
    ]
    if one["specificity"] is not None:
        told.append(f"larger than {share_below(one['specificity'])} of the sets about as readable")
    if one["push_effect"] is not None:
        told.append(f"push {signed(one['push_effect'])}, rank {one['push_rank']} of 21")
    return " · ".join(told)


def ranking(results: list[dict[str, Any]], titles: dict[str, str]) -> list[Mark]:
    """The first sets as rows of a figure."""
    return [
        Mark(
            f"{one['rank']}. {shortened(titles[one['concept']], 40)}" + (" ★" if one["verdict"] == SUPPORTED else ""),
            one["mean_cosine"],
            control=not counts(one),
            about=f"{one['verdict']}<br>{said(one)}",
        )
        for one in results[:DRAWN]
    ]


def sentence(results: list[dict[str, Any]], titles: dict[str, str], target: str) -> str:
    """What the scan found, in words."""
    groups = {verdict: [one for one in results if one["verdict"] == verdict] for verdict in ORDER}
    supported = [f"**{plain(titles[one['concept']])}**" for one in groups[SUPPORTED]]
    start = (
        f"Supported for “{plain(target_name(target))}”: {listed(supported[:8])}"
        + (f" and {len(supported) - 8} more" if len(supported) > 8 else "")
        if supported
        else f"None of the {len(results)} sets is supported for “{plain(target_name(target))}”"
    )
    others = [f"{len(own)} {verdict}" for verdict, own in groups.items() if own and verdict != SUPPORTED]
    counted = [*([f"{len(supported)} supported"] if supported else []), *others]
    return f"{start}. Of {len(results)} sets: {', '.join(counted)}."
