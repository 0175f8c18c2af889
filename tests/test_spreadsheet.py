"""What leaves as CSV comes back as it was, and nothing in it can be run by a spreadsheet."""

from __future__ import annotations

import csv
import io
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.spreadsheet import csv_text, guarded, unguarded
from pages.shared.downloads import frame_csv

RUN_AS_FORMULAS = (
    '=cmd|" /C calc"!A0',
    "+1+cmd",
    "-2+3+cmd",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "'=1",
    "''@x",
    "- said he",
)
HARMLESS = ("", "a=b", "it's", "'quoted'", "'", "1-2", "-5", "+0.25", "-1e-9", ".5", "<b>=1</b>", " =1", "−5")


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("text", RUN_AS_FORMULAS)
def test_what_could_be_run_is_made_text(text: str) -> None:
    assert guarded(text) == "'" + text
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_stays(text: str) -> None:
    assert guarded(text) == text == unguarded(text)


def test_a_table_comes_back_from_the_csv_modules_reader() -> None:
    texts = [*RUN_AS_FORMULAS, *HARMLESS, 'a "b", c;\n\r\nd', "é\u2028z"]
    header, *rows = read(csv_text(["text", "=mark"], [[text, number] for number, text in enumerate(texts)]))
    assert header == ["text", "'=mark"]
    assert [unguarded(row[0]) for row in rows] == texts
    assert [row[1] for row in rows] == [str(number) for number in range(len(texts))]
    assert not any(row[0][:1] in set("=+-@\t\r\n") and row[0] not in HARMLESS for row in rows)


def test_numbers_stay_numbers() -> None:
    values = [-0.1, 1e-300, np.float64(1 / 3), np.int64(-7), np.float32(0.1), True, None, float("nan")]
    [_, row] = read(csv_text([f"c{i}" for i in range(len(values))], [values]))
    assert float(row[2]) == 1 / 3
    assert row == ["-0.1", "1e-300", "0.3333333333333333", "-7", "0.1", "True", "", ""]


def test_a_pages_table_with_holes_becomes_csv() -> None:
    table = pd.DataFrame({"name": ["=x", None], "n": pd.array([1, None], dtype="Int64"), "score": [0.1, float("nan")]})
    assert read(frame_csv(table)) == [["name", "n", "score"], ["'=x", "1", "0.1"], ["", "", ""]]


def test_tables_on_pages_have_no_other_way_out() -> None:
    """Streamlit's own tables can be downloaded by a button that guards nothing."""
    config = tomllib.loads((Path(__file__).parent.parent / ".streamlit" / "config.toml").read_text("utf-8"))
    assert config["client"]["disableDataExport"] is True
