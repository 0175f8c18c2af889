"""The result of a test: verdicts, the map of concepts by layers, bars before their nulls, one cell, files to take."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.charts import MapCell, cell_map, null_bars
from core.concept.figures import bars_of
from core.tcav import Tcav
from core.tcav.telling import Cell, share_below, signed, small
from core.tcav.verdict import SUPPORTED
from pages.shared import tcav_cell, tcav_more, tcav_verdicts
from pages.shared.downloads import csv_button, file_part, json_button
from pages.shared.links import choose, linked
from pages.shared.parts import part
from pages.shared.tcav_choices import Choices
from pages.shared.tcav_figure import figure_config
from pages.shared.tcav_table import show_table, table_of
from pages.shared.tcav_words import CI, SCORES, counts, target_name
from pages.shared.text import plain, shortened

ACROSS = {"layer": "All concepts at its layer", "concept": "Its concept at all layers"}


@part
def show(choices: Choices, found: Tcav) -> None:
    """Everything that a test shows: what is chosen within it runs it alone."""
    titles = titles_of(choices)
    target = _choose_target(choices)
    cells = [cell for cell in found.results if cell["target"] == target]
    tcav_verdicts.show(cells, titles)
    score = _choose_score(cells)
    place = st.container()
    focus = _choose_cell(choices, cells, titles)
    with place:
        _map(cells, score, focus, titles)
    _bars(cells, focus, titles)
    _take_away(choices, found)
    if found.notes:
        st.caption("  \n".join(plain(_with_titles(note, titles)) for note in found.notes))
    tcav_cell.show(choices, focus, titles)
    st.header("Ask more", anchor=False)
    tcav_more.show(choices, focus, titles)


def titles_of(choices: Choices) -> dict[str, str]:
    """Titles of the concepts by id, told apart where two are the same."""
    infos = choices.infos
    titles = {id: infos[id].title if id in infos else id for id in choices.concepts}
    twice = [title for title in titles.values() if list(titles.values()).count(title) > 1]
    return {id: f"{title} ({id})" if title in twice else title for id, title in titles.items()}


def _with_titles(note: str, titles: dict[str, str]) -> str:
    for id, title in titles.items():
        note = note.replace(id, f"“{title}”")
    return note


def _choose_target(choices: Choices) -> str:
    if len(choices.targets) == 1:
        return choices.targets[0]
    return linked(
        st.segmented_control,
        "Answer",
        key="of",
        default=choices.targets[0],
        valid=choices.targets.__contains__,
        options=list(choices.targets),
        format_func=target_name,
        required=True,
    )


def _choose_score(cells: list[Cell]) -> str:
    known = [key for key in SCORES if any(cell[key] is not None for cell in cells)]
    return linked(
        st.segmented_control,
        "Score in the map",
        key="tcav_score",
        default="score",
        valid=known.__contains__,
        options=known,
        format_func=lambda key: SCORES[key][0],
        required=True,
        help="  \n".join(f"**{SCORES[key][0]}**: {SCORES[key][1]}" for key in known),
    )


def _choose_cell(choices: Choices, cells: list[Cell], titles: dict[str, str]) -> Cell:
    by_key = {f"{cell['concept']}.{cell['layer']}": cell for cell in cells}
    first = tcav_verdicts.strongest([cell for cell in cells if cell["concept"] == choices.concepts[0]])
    default = next(key for key, cell in by_key.items() if cell is first)
    key = linked(
        st.selectbox,
        "Cell to look at",
        key="cell",
        default=default,
        read=lambda text: _by_id(text, choices.concepts),
        valid=by_key.__contains__,
        options=list(by_key),
        format_func=lambda key: f"{titles[by_key[key]['concept']]} · layer {by_key[key]['layer']}",
        help="Everything below is about this cell. A click on the map chooses it too.",
    )
    return by_key[key]


def _by_id(text: str, concepts: tuple[str, ...]) -> str:
    """A cell as a link names it; older links count the concepts from 0."""
    concept, _, layer = text.rpartition(".")
    known = concept in concepts or not (concept.isascii() and concept.isdigit() and int(concept) < len(concepts))
    return text if known else f"{concepts[int(concept)]}.{layer}"


def map_figure(cells: list[Cell], score: str, focus: Cell | None, titles: dict[str, str]) -> go.Figure:
    """Concepts by layers, coloured by a score; hollow where nothing was found beyond chance."""
    layers = list(dict.fromkeys(cell["layer"] for cell in cells))
    concepts = list(dict.fromkeys(cell["concept"] for cell in cells))
    title, _, nothing = SCORES[score]
    by_place = {(concepts.index(cell["concept"]), layers.index(cell["layer"])): cell for cell in cells}
    rows = [
        [
            MapCell(cell[score], counts(cell), cell["verdict"] == SUPPORTED, said(cell, titles))
            if (cell := by_place.get((row, column)))
            else None
            for column in range(len(layers))
        ]
        for row in range(len(concepts))
    ]
    reach = (
        0.5 if score == "score" else max([abs(c[score]) for c in cells if c[score] is not None and counts(c)] or [1.0])
    )
    return cell_map(
        layers,
        [shortened(titles[concept], 36) for concept in concepts],
        rows,
        title=title,
        nothing=nothing,
        reach=reach or 1.0,
        chosen=None if focus is None else next(place for place, cell in by_place.items() if cell is focus),
    )


def said(cell: Cell, titles: dict[str, str]) -> str:
    """What a cell tells when it is pointed at."""
    low, high = cell["score_ci"]
    lines = [
        f"{titles[cell['concept']]}, layer {cell['layer']}: {cell['verdict']}",
        f"sign score {cell['score']:.3f} ({low:.3f} to {high:.3f})",
        f"mean cosine {signed(cell['mean_cosine'], 3)}, z {signed(cell['z'], 1)}",
        f"adjusted p {small(cell['p_adjusted'])}",
        f"AUROC {cell['auroc']:.3f}",
    ]
    if cell["push_effect"] is not None:
        lines.append(f"push {signed(cell['push_effect'], 3)}, rank {cell['push_rank']} of 21")
    if cell["specificity"] is not None:
        lines.append(f"larger than {share_below(cell['specificity'])} of {cell['controls']} controls")
    return "\n".join(lines)


def _map(cells: list[Cell], score: str, focus: Cell, titles: dict[str, str]) -> None:
    layers = list(dict.fromkeys(cell["layer"] for cell in cells))
    concepts = list(dict.fromkeys(cell["concept"] for cell in cells))

    def take() -> None:
        for point in st.session_state["tcav_map"]["selection"]["points"]:
            row, column = divmod(int(point["point_index"]), len(layers))
            if point.get("curve_number") == 1:
                choose("cell", f"{concepts[row]}.{layers[column]}")

    assert [concept for concept in titles if concept in concepts] == concepts  # rows are numbered like the choices
    st.plotly_chart(
        map_figure(cells, score, focus, titles),
        key="tcav_map",
        on_select=take,
        selection_mode="points",
        config=figure_config("tcav"),
        alt=f"{SCORES[score][0]} of each concept at each layer; cells that were not found beyond chance are hollow",
    )
    st.caption(
        "Coloured: the answer depends on the concept beyond sampling noise. Hollow, framed by dots: it was not found "
        "to, or the concept cannot be read there, and the number says nothing. ★ supported: beyond other concepts "
        "too, and a real push moves the answer. Click a cell to look at it."
    )


def _bars(cells: list[Cell], focus: Cell, titles: dict[str, str]) -> None:
    across = linked(
        st.segmented_control,
        "Compare",
        key="across",
        default="layer",
        valid=ACROSS.__contains__,
        options=list(ACROSS),
        format_func=ACROSS.__getitem__,
        required=True,
    )
    own = [cell for cell in cells if cell[across] == focus[across]]
    names = [shortened(titles[cell["concept"]], 36) if across == "layer" else f"layer {cell['layer']}" for cell in own]
    st.plotly_chart(
        null_bars(bars_of(own, names), title="mean cosine of gradient and CAV"),
        key="tcav_bars",
        config=figure_config("tcav"),
        alt="Mean cosines with 95% intervals, in front of the distribution that dealing the labels anew gives",
    )
    st.caption(
        f"Bars: mean cosine; whiskers: {CI}. Grey: where the same number fell when the labels of positives and "
        "negatives were dealt anew; a bar that stays within it is what chance gives. Hollow: not found beyond chance."
    )


def _take_away(choices: Choices, found: Tcav) -> None:
    table: pd.DataFrame = table_of(found.results)
    with st.expander("All numbers", icon=":material/table:"):
        show_table(table, choices.how.correction)
    with st.container(horizontal=True):
        name = f"tcav-{file_part(choices.concepts[0])}"
        csv_button(table, f"{name}.csv")
        json_button(found.to_json, f"{name}.json")
