"""Tables as files to take away."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.spreadsheet import csv_text


def frame_csv(table: pd.DataFrame) -> str:
    """A table as CSV in which nothing can be run as a formula; missing values are empty cells."""
    cells = table.astype(object).where(table.notna(), None)
    return csv_text([str(column) for column in table.columns], cells.itertuples(index=False))


def csv_button(table: pd.DataFrame, file_name: str, *, label: str = "Download CSV") -> None:
    """A button that downloads `table`."""
    st.download_button(
        label,
        frame_csv(table),
        file_name=file_name,
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=f"download_{file_name}",
    )
