"""More directions for the library: sums of saved ones, and files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import cached
from pages.shared.frame import Chosen
from pages.shared.links import want
from pages.shared.text import plain

if TYPE_CHECKING:
    from core.directions import Direction

MOST_MEGABYTES = 64
NAME_HELP = "Up to 64 letters, digits, '_', '.', '+' or '-'."


def combine_form(found: list[Direction]) -> None:
    """An expression over names, and directions that the result shall have nothing of."""
    from core.directions import combine_saved, save_direction

    if not found:
        st.info("Save at least one direction first.")
        return
    with st.form("combine", border=False):
        example = f"{found[0].name} - 0.5*{found[1].name}" if len(found) > 1 else f"2*{found[0].name}"
        left, right = st.columns(2)
        expression = left.text_input(
            "Sum",
            placeholder=example,
            max_chars=2000,
            help="Names of saved directions with numbers, + - * / and brackets, spaces around + and -. Each direction "
            "counts with length 1, whatever its raw norm. All must lie at one site of one model.",
        )
        outside = right.multiselect(
            "Orthogonal to",
            [one.name for one in found],
            help="What the sum has in common with these is taken out: the result has cosine 0 with each of them.",
        )
        name = left.text_input("Name", max_chars=64, key="combine_name", help=NAME_HELP).strip()
        if st.form_submit_button("Combine", icon=":material/function:"):
            made = combine_saved(expression, name=name, orthogonal_to=outside)
            save_direction(made, replace=False)
            want("looked", made.name)
            st.rerun()


def import_form(chosen: Chosen) -> None:
    """A file of ours, a GGUF control vector, or one vector; what it does not say itself is taken from the sidebar."""
    from core.directions import Place, import_directions, save_directions
    from core.errors import UserError
    from core.models import KINDS

    file = st.file_uploader(
        "safetensors, GGUF control vector, or CSV",
        type=["safetensors", "gguf", "csv", "txt"],
        help=f"At most {MOST_MEGABYTES} MB. Nothing that could run code is opened.",
        key="direction_file",
        max_upload_size=MOST_MEGABYTES,
    )
    with st.form("import", border=False):
        bare = st.toggle(
            f"A bare vector for {plain(chosen.model)}",
            help="Switch on for files that do not say where they belong: all but this program's own safetensors. The "
            "model is the sidebar's.",
        )
        left, middle, right = st.columns(3)
        layers = left.text_input(
            "Layer",
            value=str(chosen.layer),
            max_chars=6,
            help="Of a control vector only this layer is taken; empty takes all of its layers.",
        ).strip()
        kind = middle.selectbox("Site", list(KINDS), index=list(KINDS).index("after"), format_func=KINDS.__getitem__)
        name = right.text_input("Name", max_chars=64, key="import_name", help=NAME_HELP).strip()
        if not st.form_submit_button("Save", icon=":material/save:"):
            return
        if file is None:
            raise UserError("Choose a file first.")
        if layers and not (layers.isascii() and layers.isdigit()):
            raise UserError(f"A layer is a number such as {chosen.layer}, not {layers!r}.")
        place = Place(cached.model(chosen.model), int(layers) if layers else None, kind) if bare else None
        made = import_directions(file.getvalue(), name=name, file=file.name, place=place)
        save_directions(made, replace=False)
        want("looked", made[0].name)
        st.rerun()
