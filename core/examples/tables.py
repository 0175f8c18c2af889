"""Bytes of a user's table to rows of text cells, each with the line on which it starts."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any, overload

from core.errors import UserError
from core.examples.encoding import decoded
from core.examples.sentences import brief
from core.spreadsheet import guarded, unguarded

SUFFIXES = (".csv", ".tsv", ".jsonl")
HEADER_KEY = "conceptscope_examples"  # marks the first line of a set saved by this program
MOST_COLUMNS = 500

csv.field_size_limit(2**31 - 1)  # how long a text may be is said by check_text, in a sentence of its own


@dataclass(frozen=True, eq=False)
class Table:
    """name: the file's. columns: their names, each once. lines: (n,) the first line of each row in the file, from 1.
    rows: (n, columns) text cells; None where a row of a JSONL file lacks the key. notes: sentences for people. head:
    what a file that this program saved says of itself.
    """

    name: str
    columns: tuple[str, ...]
    lines: Sequence[int]
    rows: Sequence[Sequence[str | None]]
    notes: tuple[str, ...] = ()
    head: Mapping[str, Any] | None = None

    def column(self, name: str) -> list[str | None]:
        """The cells of a column from top to bottom."""
        place = self.columns.index(name)
        return [row[place] for row in self.rows]


def read_table(name: str, data: bytes, *, encoding: str = "utf-8") -> Table:
    """The rows of a CSV, TSV or JSONL file; its name tells which."""
    suffix = name[name.rfind(".") :].lower()
    if suffix not in SUFFIXES:
        raise UserError(f"{name} is not a table that can be opened; give one of {', '.join(SUFFIXES)}.")
    text = decoded(name, data, encoding)
    return _jsonl(name, text) if suffix == ".jsonl" else _csv(name, text)


def _csv(name: str, text: str) -> Table:
    text, delimiter = _without_hint(text)
    if delimiter is None:
        delimiter = max(",;\t", key=text.lstrip().split("\n", 1)[0].count)
    rows = _csv_rows(name, text, delimiter)
    line, header = next(rows, (1, []))
    columns = _column_names(name, line, header)
    lines: list[int] = []
    cells: list[list[str | None]] = []
    for line, row in rows:
        while len(row) > len(columns) and not row[-1].strip():
            row.pop()
        if len(row) != len(columns):
            raise UserError(
                f"{name}, line {line}, has {len(row)} cell{'s' * (len(row) != 1)} where the header has {len(columns)};"
                " put texts that hold the separator or a line break in double quotes."
            )
        lines.append(line)
        cells.append(list(row))
    if not cells:
        raise UserError(f"{name} holds no rows below its header; the first line must name the columns.")
    return _without_apostrophes(Table(name, columns, lines, cells))


def _csv_rows(name: str, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The line and the cells of each row that is not blank."""
    # Strict, since otherwise an unclosed quote silently swallows all rows that follow.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{name} is not a proper CSV file in the row that starts on line {line}: {error}.") from None


def _without_hint(text: str) -> tuple[str, str | None]:
    """The text without the line `sep=;` by which spreadsheets tell the separator, and that separator."""
    hint = re.match(r"sep=([,;\t])\r?\n", text, re.IGNORECASE)
    return (text, None) if hint is None else (text[hint.end() :], hint[1])


def _column_names(name: str, line: int, header: Sequence[str]) -> tuple[str, ...]:
    """The header's names; a column without one is called by its number."""
    _check_width(name, len(header))
    columns = [cell.strip() or f"column {place}" for place, cell in enumerate(header, start=1)]
    twice = next((column for place, column in enumerate(columns) if column in columns[:place]), None)
    if twice is not None:
        raise UserError(f"{name}: the header, line {line}, names a column twice ({brief(twice)}); rename one of them.")
    return tuple(columns)


def _check_width(name: str, columns: int) -> None:
    if columns > MOST_COLUMNS:
        raise UserError(
            f"{name} has {columns:,} columns; keep the ones for texts, labels and groups ({MOST_COLUMNS} at most)."
        )


def _without_apostrophes(table: Table) -> Table:
    """Take off the apostrophes that a guarded file of ours puts before `=`, `+`, `-` and `@`.

    In such a file no cell begins like a formula without one; where a cell does, the file is from elsewhere and its
    apostrophes are its own.
    """
    count = 0
    for row in table.rows:
        for cell in row:
            if cell and guarded(cell) != cell and not cell.startswith("'"):
                return table
            count += bool(cell) and unguarded(cell or "") != cell
    if not count:
        return table
    rows = [[None if cell is None else unguarded(cell) for cell in row] for row in table.rows]
    note = f"{count:,} cells lost the apostrophe that keeps spreadsheets from running them as formulas."
    return Table(table.name, table.columns, table.lines, rows, (*table.notes, note))


def _jsonl(name: str, text: str) -> Table:
    head: Mapping[str, Any] | None = None
    places: dict[str, int] = {}
    lines: list[int] = []
    rows: list[list[str | None] | dict[int, str | None]] = []
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        try:
            value = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{name}, line {line}, is not JSON: {error}.") from None
        if not isinstance(value, dict):
            raise UserError(f'{name}, line {line}, is not an object such as {{"text": "...", "label": 1}}.')
        if line == 1 and HEADER_KEY in value:
            head = value
            continue
        for key in value:
            places.setdefault(key, len(places))
        _check_width(name, len(places))
        cells = {places[key]: _cell(name, line, key, cell) for key, cell in value.items()}
        lines.append(line)
        # Short rows of a file of many keys would take hundreds of times what the file does, if they were filled up.
        rows.append([cells.get(at) for at in range(len(places))] if _is_full(cells, len(places)) else cells)
    if not rows:
        raise UserError(f"{name} holds no rows.")
    return Table(name, tuple(places), lines, [_row(one, len(places)) for one in rows], head=head)


def _is_full(cells: Sized, columns: int) -> bool:
    return columns <= 2 * len(cells) + 8


def _row(cells: list[str | None] | dict[int, str | None], columns: int) -> Sequence[str | None]:
    if isinstance(cells, dict):
        return _Sparse(cells, columns)
    if _is_full(cells, columns):
        return cells + [None] * (columns - len(cells))
    return _Sparse(dict(enumerate(cells)), columns)


class _Sparse(Sequence[str | None]):
    """A row that holds the cells it has, by column, and None in all others."""

    __slots__ = ("_cells", "_columns")

    def __init__(self, cells: dict[int, str | None], columns: int) -> None:
        self._cells, self._columns = cells, columns

    def __len__(self) -> int:
        return self._columns

    @overload
    def __getitem__(self, place: int) -> str | None: ...
    @overload
    def __getitem__(self, place: slice) -> list[str | None]: ...
    def __getitem__(self, place: int | slice) -> str | list[str | None] | None:
        at = range(self._columns)[place]
        return self._cells.get(at) if isinstance(at, int) else [self._cells.get(one) for one in at]


def _cell(name: str, line: int, key: str, value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int | float):
        return str(value)
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        raise UserError(f"{name}, line {line}: {brief(key)} is nested too deeply; give texts and numbers.") from None
