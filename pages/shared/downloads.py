"""Results as files to take away; a file is made when it is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from core import spaces
from core.spreadsheet import csv_text


def download_button(label: str, data: str | bytes | Callable[[], str | bytes], **options: Any) -> None:
    """`st.download_button`. What is made when it is asked for is made for whoever was shown the button: Streamlit does
    that in a thread that knows nobody."""
    st.download_button(label, _as_here(data) if callable(data) else data, **options)


def _as_here(made: Callable[[], str | bytes]) -> Callable[[], str | bytes]:
    here = spaces.space()

    def made_here() -> str | bytes:
        with spaces.within(here):
            return made()

    return made_here


def frame_csv(table: pd.DataFrame) -> str:
    """A table as CSV in which nothing can be run as a formula; missing values are empty cells."""
    cells = table.astype(object).where(table.notna(), None)
    return csv_text([str(column) for column in table.columns], cells.itertuples(index=False))


def csv_button(table: pd.DataFrame, file_name: str, *, label: str = "Download CSV") -> None:
    """A button that downloads `table`."""
    download_button(
        label,
        lambda: frame_csv(table),
        file_name=file_name,
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=f"download_{file_name}",
    )


def json_button(value: Callable[[], Any], file_name: str, *, label: str = "JSON") -> None:
    """A button that downloads what `value` gives, plain values, as JSON."""
    download_button(
        label,
        lambda: json.dumps(value(), ensure_ascii=False, indent=1, allow_nan=False) + "\n",
        file_name=file_name,
        mime="application/json",
        icon=":material/data_object:",
        on_click="ignore",
        key=f"download_{file_name}",
    )


def file_part(text: str) -> str:
    """`text` as a part of a file's name: whatever is no letter, digit, dot or dash becomes a dash."""
    return "".join(one if one.isalnum() or one in ".-_" else "-" for one in text)[:80]
