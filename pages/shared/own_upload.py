"""Texts from a file of one's own: which file, which columns."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.errors import UserError
from core.examples import ENCODINGS, Examples, Table, guess_columns, in_another_encoding, label_values, open_two
from pages.shared import cached_examples
from pages.shared.text import plain, shortened

ROWS = 5  # of the table that are shown
NONE = "(none)"
ENCODING_NAMES = {"utf-8": "UTF-8", "windows-1252": "Windows-1252 (Western Europe)", "iso-8859-15": "ISO 8859-15"}


def uploaded() -> Examples | None:
    """Ask for a file and what is what in it; the examples, or None while there is no file. Raises UserError."""
    files = st.file_uploader(
        "CSV, TSV or JSONL with a column of texts and a column of labels; or TXT",
        type=["csv", "tsv", "jsonl", "txt"],
        accept_multiple_files=True,
        key="upload",
        help="At most 20 MB. A TXT file has one text a line, with a line `---` between positives and negatives, or `+` "
        "or `-` before every line; or give two TXT files, one of positives and one of negatives.",
    )
    if not files:
        with st.expander("What such a file looks like"):
            st.code('text,label\nWhat a lovely day!,1\n"Rain, again.",0', language=None)
            st.caption(
                "Labels are 0 and 1, or any two words. A column `group` keeps rows together that belong together (one "
                "author, one document); a column `subgroup` names kinds (a dialect) whose scores are compared."
            )
        return None
    encoding = ENCODINGS[0]
    if any(in_another_encoding(file.getvalue()) for file in files):
        encoding = st.selectbox(
            "Encoding of the file",
            ENCODINGS,
            key="upload_encoding",
            format_func=lambda name: ENCODING_NAMES.get(name, name),
            help="How its bytes stand for letters. This file is not UTF-8; spreadsheets in Western Europe often write "
            "Windows-1252.",
        )
    return _of_files(files, encoding)


def _of_files(files: list[UploadedFile], encoding: str) -> Examples:
    if len(files) > 2:
        raise UserError("Give one file, or two TXT files: one of positives and one of negatives.")
    if len(files) == 2:
        return _of_two(files, encoding)
    [file] = files
    if file.name.lower().endswith(".txt"):
        return cached_examples.of_text_file(file.name, file.getvalue(), encoding)
    table = cached_examples.table(file.name, file.getvalue(), encoding)
    return _of_table(table, file, encoding)


def _of_two(files: list[UploadedFile], encoding: str) -> Examples:
    names = [file.name for file in files]
    guess = next((place for place, name in enumerate(names) if "pos" in name.lower()), 0)
    place = st.radio("Positives are in", range(2), index=guess, format_func=names.__getitem__, horizontal=True)
    positives, negatives = files[place], files[1 - place]
    return open_two(
        (positives.name, positives.getvalue()),
        (negatives.name, negatives.getvalue()),
        title="uploaded",
        encoding=encoding,
    )


def _of_table(table: Table, file: UploadedFile, encoding: str) -> Examples:
    _show_head(table)
    columns = list(table.columns)
    text_column, label_column, positive_column = st.columns(3)
    texts, labels = guess_columns(table)
    text = text_column.selectbox("Column of texts", columns, index=columns.index(texts))
    label = label_column.selectbox("Column of labels", columns, index=columns.index(labels))
    positive = None
    values = label_values(table, label)
    if len(values) > 1 and text != label:
        positive = positive_column.selectbox(
            "Positive label",
            values,
            index=values.index(_likely(values)),
            format_func=lambda value: shortened(value, 40),
            help="Rows with this label are the positives; all others are the negatives.",
        )
    with st.expander("Groups, subgroups", icon=":material/tune:"):
        left, right = st.columns(2)
        group = left.selectbox(
            "Column of groups",
            [NONE, *columns],
            index=_or_none(columns, "group"),
            help="Rows with the same value stay on one side of every split, such as texts of one author.",
        )
        subgroup = right.selectbox(
            "Column of subgroups",
            [NONE, *columns],
            index=_or_none(columns, "subgroup"),
            help="Kinds whose scores will be compared, such as dialects; at most 50 of them.",
        )
    return cached_examples.of_table(
        file.name,
        file.getvalue(),
        encoding,
        text,
        label,
        positive,
        "" if group == NONE else group,
        "" if subgroup == NONE else subgroup,
    )


def _show_head(table: Table) -> None:
    """The first rows as they were read, so that a wrong separator or a missing header is seen."""
    st.caption(f"{plain(table.name)}: {len(table.rows):,} rows, {len(table.columns):,} columns. The first rows:")
    head = [[None if cell is None else shortened(cell, 200) for cell in row] for row in table.rows[:ROWS]]
    st.dataframe(pd.DataFrame(head, columns=list(table.columns)), hide_index=True, alt="The first rows of the file")


def _likely(values: list[str]) -> str:
    """The value that is probably the positive one: as the command line takes it."""
    return sorted(values)[-1] if len(values) == 2 else values[0]


def _or_none(columns: list[str], usual: str) -> int:
    return columns.index(usual) + 1 if usual in columns else 0
