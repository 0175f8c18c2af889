"""The push folded into the weights: which edits that comes to, a directory that needs none of our code, its undoing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core import first_concept, jobs
from pages.shared import cached
from pages.shared.asking import start_button
from pages.shared.downloads import file_part
from pages.shared.errors import mendable
from pages.shared.hardware import as_arguments
from pages.shared.links import choose, linked
from pages.shared.text import plain, size

if TYPE_CHECKING:
    from core.models import Model
    from core.steering import FoldedModel, Ready, Recipe

EVERY = ("prompt", "first", "later", "special")


def panel(recipe: Recipe) -> None:
    """Nothing is looked up before somebody asks."""
    open_ = linked(
        st.toggle,
        "Fold into the weights",
        key="fold",
        default=False,
        read=lambda text: text == "yes",
        write=lambda on: "yes" if on else "",
        help="Writes a Hugging Face directory whose weights do by themselves what the push does, without any code of "
        "ours: a bias, or an edit of rank one.",
    )
    if not open_:
        return
    with st.container(border=True), mendable():
        _choices(recipe)
    with mendable():
        _folded()


def _choices(recipe: Recipe) -> None:
    """The edits that the present choices come to, each with a switch, and the job that writes them."""
    from core.errors import UserError
    from core.steering import list_folded, places_of
    from pages.shared.steered import ready_for

    opened, ready = cached.model(recipe.model), ready_for(recipe)
    try:
        places = places_of(opened, ready)
    except UserError as error:
        st.info(plain(str(error)), icon=":material/block:")
        if any(set(part.tokens) != set(EVERY) for part in recipe.parts):
            st.button("Push every token", key="fold_every", on_click=_every, args=(len(recipe.parts),))
        return
    st.markdown("**Edits of the weights**", help="One for each intervention and layer; switch off what is not wanted.")
    kept = [
        number
        for number, (one, place) in enumerate(zip(ready.made, places, strict=True))
        if st.checkbox(
            plain(
                f"{one.intervention.operator.title} {recipe.parts[one.part].source.title}, dose {one.dose:+g}, "
                f"{one.intervention.site}: in {place}"
            ),
            value=True,
            key=f"fold_{number}_{place}_{one.dose:g}",
        )
    ]
    if not kept:
        st.caption("Switch on at least one edit.")
        return
    name = st.text_input(
        "Name of the directory",
        value=file_part(recipe.parts[0].source.title).strip("-._")[:48] or "folded",
        max_chars=64,
        key="fold_name",
        help="In `exports` of the workspace. Letters, digits, '_', '.', '+' or '-'.",
    ).strip()
    arguments = _arguments(opened, ready, kept, name)
    job = jobs.find(jobs.job_id(arguments))
    there = {one.name: one for one in list_folded()}
    if name in there and job is not None and job.state == "done":
        st.success(f"Folded: {plain(str(there[name].folder))}", icon=":material/check:")
        return
    if name in there:
        st.info(f"There is a folded model called {plain(name)} already: choose another name, or undo that one.")
        return
    weights = sum(one.numel() * one.element_size() for one in opened.network.parameters())
    start_button(arguments, f"Folding {name}", f"A copy of all weights is written, {size(weights)}.")


def _arguments(opened: Model, ready: Ready, kept: list[int], name: str) -> list[str]:
    """The command line that folds the edits that are switched on. Raises UserError for what is no name."""
    from dataclasses import replace

    from core.steering import keep_for_job, only
    from core.workspace import checked_name

    checked_name(name)
    recipe = replace(only(ready, kept), fingerprint=opened.fingerprint)
    return ["steer", "fold", recipe.model, "--recipe", str(keep_for_job(recipe)), "--save", name, *as_arguments()]


def _every(parts: int) -> None:
    """Weights act on every token alike: let all interventions do so."""
    for number in range(1, parts + 1):
        choose("positions" if number == 1 else f"positions_{number}", list(EVERY))


def _folded() -> None:
    """What was folded before: its edits, a way into it, and its undoing."""
    from core.steering import list_folded

    for one in list_folded():
        with st.container(border=True):
            _shown(one)


def _shown(one: FoldedModel) -> None:
    st.markdown(f"**{plain(one.name)}**, from {plain(one.model)}")
    st.caption(
        f"{plain(str(one.folder))}, {size(one.n_bytes)}. Next to the hooked model its logits differ by at most "
        f"{one.difference:.1e} of the largest, on the recipe's prompt."
    )
    st.dataframe(
        pd.DataFrame(one.edits, columns=["tensor", "edit", "length"]),
        hide_index=True,
        column_config={
            "length": st.column_config.NumberColumn(
                format="%.3g", help="Frobenius norm of what was added to the tensor."
            )
        },
    )
    with st.container(horizontal=True):
        st.button(
            "Open as a model",
            key=f"open_{one.name}",
            icon=":material/deployed_code:",
            on_click=_open,
            args=(str(one.folder),),
            help="As any other in the list of models, where it stands as long as its directory is there.",
        )
        st.button(
            "Undo: delete the directory",
            key=f"undo_{one.name}",
            icon=":material/undo:",
            on_click=_undo,
            args=(one.name, str(one.folder)),
            help="The model that it was made from was never changed.",
        )


def _open(folder: str) -> None:
    choose("model", folder)
    choose("from", "concept")  # directions of the other model are none of this one


def _undo(name: str, folder: str) -> None:
    from core.errors import UserError
    from core.steering import delete_folded

    if st.session_state.get("model") == folder:
        choose("model", first_concept.MODEL)
    cached.close_model(folder)
    try:
        delete_folded(name)
    except UserError as error:  # another session was quicker
        st.toast(plain(str(error)), icon=":material/error:")
