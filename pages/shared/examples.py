"""Examples on a page: looking at a few, and giving texts of one's own."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.examples import Examples, Info, from_lists, open_table, read_table, save_examples
from core.workspace import digest
from pages.shared import cached
from pages.shared.errors import mendable
from pages.shared.links import choose, want
from pages.shared.text import plain, shortened

SHOWN = 3  # of each class


def preview(info: Info, examples: Examples) -> None:
    """What the concept is, and a few of its positives and negatives as plain text."""
    st.header(plain(info.title), anchor=False)
    st.caption(f"Subject: {plain(info.subject)} · source: {plain(info.source)}")
    classes = (
        (1, examples.positive_name, examples.n_positives, ":material/add_circle:"),
        (0, examples.negative_name, examples.n_negatives, ":material/do_not_disturb_on:"),
    )
    for column, (label, name, number, icon) in zip(st.columns(2, border=True), classes, strict=True):
        with column:
            sort = "Positives" if label else "Negatives"
            st.markdown(f"{icon} **{sort}:** {number:,} × {plain(name)}")
            texts = [text for text, y in zip(examples.texts, examples.labels, strict=True) if y == label]
            for text in texts[:SHOWN]:
                st.text(shortened(text, 160))


def take_own() -> None:
    """Ways to another concept: the catalogue, pasted lists, a file."""
    with st.expander("Choose other examples, or give your own texts", icon=":material/library_add:"):
        catalogue, paste, upload = st.tabs(["Catalogue", "Paste", "Upload"])
        with catalogue:
            _catalogue()
        with paste, mendable():
            _paste()
        with upload, mendable():
            _upload()


def _catalogue() -> None:
    infos = list(cached.all_examples().values())

    def take() -> None:
        rows = st.session_state["catalogue"]["selection"]["rows"]
        if rows:
            choose("concept", infos[rows[0]].id)

    st.caption("Click the box before a row to choose it.")
    st.dataframe(
        pd.DataFrame(
            {
                "title": [info.title for info in infos],
                "subject": [info.subject for info in infos],
                "positives": [info.positives for info in infos],
                "negatives": [info.negatives for info in infos],
                "id": [info.id for info in infos],
            }
        ),
        key="catalogue",
        hide_index=True,
        height=300,
        on_select=take,
        selection_mode="single-row",
        column_config={
            "positives": st.column_config.NumberColumn("positives", help="Texts that show the concept"),
            "negatives": st.column_config.NumberColumn("negatives", help="Texts that do not"),
            "id": st.column_config.TextColumn("id", help="Its name on the command line"),
        },
        alt="Example sets at hand",
    )


def _paste() -> None:
    with st.form("paste", border=False):
        left, right = st.columns(2)
        positives = left.text_area("Positives, one per line", height=160, placeholder="What a lovely day!\n…")
        negatives = right.text_area("Negatives, one per line", height=160, placeholder="What an awful day!\n…")
        name = _name_field("paste_name")
        st.caption("Ten of each are enough to try it; intervals are honest only with 50 or more of each.")
        if st.form_submit_button("Use these texts"):
            _take(from_lists(_lines(positives), _lines(negatives), name or "pasted"), name)


def _upload() -> None:
    file = st.file_uploader(
        "CSV, TSV or JSONL with a column of texts and a column of labels",
        type=["csv", "tsv", "jsonl"],
        help="At most 20 MB. UTF-8. Two different labels, such as 0 and 1.",
    )
    if file is None:
        return
    table = read_table(file.name, file.getvalue())
    columns = list(table.columns)
    text, label = st.columns(2)
    text_column = text.selectbox("Column of texts", columns, index=_guess(columns, ("text", "prompt"), 0))
    label_column = label.selectbox("Column of labels", columns, index=_guess(columns, ("label", "target"), 1))
    name = _name_field("upload_name")
    if st.button("Use this file"):
        found = open_table(table, text_column=text_column, label_column=label_column)
        _take(found, name)


def _guess(columns: list[str], wanted: tuple[str, ...], otherwise: int) -> int:
    return next((columns.index(name) for name in wanted if name in columns), min(otherwise, len(columns) - 1))


def _name_field(key: str) -> str:
    return st.text_input(
        "Name (optional)",
        key=key,
        max_chars=64,
        help="The set is kept under this name in the workspace. Without a name, one is made from the texts.",
    ).strip()


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _take(found: Examples, name: str) -> None:
    """Save the set and make it the chosen concept. The same texts without a name are saved once."""
    if name:
        save_examples(found, name)
    else:
        name = f"pasted-{digest(found.digest)[:8]}"
        if name not in cached.all_examples():
            save_examples(found, name, replace=True)
    cached.all_examples.clear()
    want("concept", name)
    st.rerun()
