"""Bytes of a user's table to rows of text cells, each with the line on which it starts."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import Any

from core.errors import UserError

SUFFIXES = (".csv", ".tsv", ".jsonl")
HEADER_KEY = "conceptscope_examples"  # marks the first line of a set saved by this program


@dataclass(frozen=True)
class Row:
    """line: number of its first line in the file, from 1. cells: column to text."""

    line: int
    cells: dict[str, str]


def read_table(name: str, data: bytes) -> list[Row]:
    """The rows of a CSV, TSV or JSONL file; its name tells which."""
    text = decoded(name, data)
    suffix = name[name.rfind(".") :].lower()
    if suffix not in SUFFIXES:
        raise UserError(f"{name} is not a table that can be opened; give one of {', '.join(SUFFIXES)}.")
    return _jsonl(name, text) if suffix == ".jsonl" else _csv(name, text)


def decoded(name: str, data: bytes) -> str:
    """`data` as text: UTF-8, a byte order mark dropped; UserError if it is something else, with the place."""
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{name} is not UTF-8 text: byte {error.start} (line {line}) is 0x{data[error.start]:02x};"
            " save it as UTF-8."
        ) from None
    nul = data.find(b"\0")
    if nul >= 0:
        line = data.count(b"\n", 0, nul) + 1
        raise UserError(f"{name} is not a text file: byte {nul} (line {line}) is NUL; save it as UTF-8 text.")
    return text


def _csv(name: str, text: str) -> list[Row]:
    header_line = text.lstrip().split("\n", 1)[0]
    delimiter = max(",;\t", key=header_line.count)
    csv.field_size_limit(max(len(text), csv.field_size_limit()))
    # Strict, since otherwise an unclosed quote silently swallows all rows that follow.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    rows: list[Row] = []
    line = 1
    try:
        for cells in reader:
            if header is None and cells:
                header = [cell.strip() for cell in cells]
                if len(set(header)) < len(header):
                    raise UserError(f"{name}: the header, line {line}, names a column twice.")
            elif cells:
                assert header is not None
                if len(cells) != len(header):
                    raise UserError(
                        f"{name}, line {line}, has {len(cells)} cells where the header has {len(header)}; put texts"
                        " that hold the separator or a line break in double quotes."
                    )
                rows.append(Row(line, dict(zip(header, cells, strict=True))))
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{name} is not a proper CSV file in the row that starts on line {line}: {error}.") from None
    if not rows:
        raise UserError(f"{name} holds no rows below its header; the first line must name the columns.")
    return rows


def _jsonl(name: str, text: str) -> list[Row]:
    rows = []
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
            continue
        rows.append(Row(line, {key: _cell(name, line, key, cell) for key, cell in value.items() if cell is not None}))
    if not rows:
        raise UserError(f"{name} holds no rows.")
    return rows


def _cell(name: str, line: int, key: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list | dict):
        return json.dumps(value)
    raise UserError(f"{name}, line {line}: {key!r} is neither text nor a number.")
