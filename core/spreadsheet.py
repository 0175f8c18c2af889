"""CSV for people who open it in a spreadsheet, where a cell that begins like a formula is run as one.

A text that begins with `=`, `+`, `-`, `@`, a tab or a line break gets an apostrophe before it, unless it is a number;
so does a text that begins with apostrophes before one of these, so that taking one apostrophe away gives every text
back. The reader of examples does that (`unguarded`). (OWASP, "CSV injection".)
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

# The wide forms stand for the plain ones in spreadsheets set to Chinese, Japanese or Korean.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV file with every text guarded, lines ended as RFC 4180 says. None and NaN are empty cells."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow([guarded(name) for name in header])
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return written.getvalue()


def guarded(text: str) -> str:
    """`text` as a spreadsheet will show it and not run it."""
    return "'" + text if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def unguarded(text: str) -> str:
    """The text that `guarded` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _cell(value: object) -> object:
    if isinstance(value, str):
        return guarded(value)
    return "" if value is None or value != value else value  # only NaN differs from itself
