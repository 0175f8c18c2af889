"""The cells of a column of labels to 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import UserError
from core.examples.examples import SMALLEST
from core.examples.sentences import brief, listed
from core.examples.tables import Table

_LOOKED_AT = 200  # rows, for a guess
_TEXTS = {"text", "prompt", "sentence", "content", "review", "message", "comment"}
_LABELS = {"label", "target", "class", "labels", "y"}
MOST_LABELS = 50  # different ones in a column; with more, it is another kind of column


@dataclass(frozen=True)
class Labels:
    """values: (n,) 0 and 1. names: words for 0 and for 1. notes: what was decided for the user."""

    values: list[int]
    names: tuple[str, str]
    notes: tuple[str, ...]


def label_values(table: Table, column: str) -> list[str]:
    """The different labels of a column, in the order in which they appear; at most MOST_LABELS + 1 of them."""
    found: dict[str, None] = {}
    for cell in table.column(column):
        if cell and cell.strip():
            found.setdefault(cell.strip())
        if len(found) > MOST_LABELS:
            break
    return list(found)


def guess_columns(table: Table) -> tuple[str, str]:
    """Which columns probably hold the texts and the labels, for the user to correct.

    By their usual names; else the labels are the first column of two different cells, the texts the longest cells.
    """
    rows = table.rows[:_LOOKED_AT]
    cells = {column: [row[place] or "" for row in rows] for place, column in enumerate(table.columns)}
    usual = [[column for column in table.columns if column.lower() in names] for names in (_TEXTS, _LABELS)]
    two = [
        column for column, own in cells.items() if len({cell.strip() for cell in own}) == 2 and column not in usual[0]
    ]
    label = (usual[1] or two or list(table.columns)[-1:])[0]
    longest = max((column for column in cells if column != label), default=label, key=lambda c: sum(map(len, cells[c])))
    return (usual[0] or [longest])[0], label


def to_labels(table: Table, column: str, positive: str | None) -> Labels:
    """1 where the cell is `positive`. By default: 1 of 0 and 1, or the second of two others in alphabetical order.

    With more than two different labels `positive` has to be told, and all others are negatives.
    Raises UserError, with the line, for an empty cell, and where there are not two classes.
    """
    name = table.name
    if len(table.rows) < SMALLEST:
        raise UserError(f"{name} holds {len(table.rows)} rows; at least {SMALLEST} are needed.")
    cells = [(cell or "").strip() for cell in table.column(column)]
    if "" in cells:
        line = table.lines[cells.index("")]
        raise UserError(f"{name}, line {line}, has no label in column {brief(column)}; give one or take the row out.")
    first: dict[str, int] = {}
    for line, cell in zip(table.lines, cells, strict=True):
        first.setdefault(cell, line)
    if column.isdigit() and column in first:
        raise UserError(
            f"The first line of {name} seems to be a row already, labelled {column!r}; put a line of names above it,"
            " such as text,label."
        )
    _check_number(table, column, first, positive)
    if positive is not None and positive not in first:
        raise UserError(f"{name} has no label {brief(positive)}; it has {_both(sorted(first))}.")
    negative_name, positive_name = _names(first, positive)
    notes = []
    if set(first) != {"0", "1"}:
        notes.append(f"{brief(positive_name)} is positive, {_others(first, positive_name)} negative.")
    elif positive_name == "1":
        negative_name, positive_name = "negative", "positive"
    else:
        negative_name, positive_name = "label 1", "label 0"
    chosen = _names(first, positive)[1]
    return Labels([int(cell == chosen) for cell in cells], (negative_name, positive_name), tuple(notes))


def _names(first: dict[str, int], positive: str | None) -> tuple[str, str]:
    """The words for 0 and for 1 as they stand in the file."""
    if positive is None:
        negative, positive = sorted(first)
        return negative, positive
    rest = [value for value in first if value != positive]
    return (rest[0] if len(rest) == 1 else f"not {positive}"), positive


def _check_number(table: Table, column: str, first: dict[str, int], positive: str | None) -> None:
    """Two labels, or more of which one was chosen."""
    name = table.name
    if len(first) == 1:
        raise UserError(
            f"All {len(table.rows):,} rows of {name} are labelled {brief(next(iter(first)))}; two labels are needed, so"
            " add rows of another, or choose another column."
        )
    if len(first) > MOST_LABELS:
        raise UserError(
            f"Column {brief(column)} of {name} holds {len(first):,} different labels; choose a column with two."
        )
    if len(first) > 2 and positive is None:
        one, other, third = list(first)[:3]
        raise UserError(
            f"{name}, line {first[third]}: the label {brief(third)} is a third one beside {brief(one)} and"
            f" {brief(other)}; column {brief(column)} must hold exactly two, unless you say which one is positive."
        )


def _others(first: dict[str, int], positive: str) -> str:
    rest = [value for value in first if value != positive]
    return f"{brief(rest[0])} is" if len(rest) == 1 else f"{listed(rest)} are"


def _both(values: Sequence[str]) -> str:
    return f"{brief(values[0])} and {brief(values[1])}" if len(values) == 2 else listed(values)
