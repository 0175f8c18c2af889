"""Examples from the user's own files: CSV, TSV, JSONL, and plain texts line by line.

Every mistake in a file is told with the file's name and the line where it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core import workspace
from core.errors import UserError
from core.examples.encoding import decoded
from core.examples.examples import Examples, check_text, from_lists, make_examples
from core.examples.labels import to_labels
from core.examples.plain_texts import HOW, labelled_lines, text_lines
from core.examples.sentences import brief, listed
from core.examples.tables import SUFFIXES as TABLES
from core.examples.tables import Table, read_table

SUFFIXES = (*TABLES, ".txt")
MAX_BYTES = 200_000_000


def expanded(path: str | Path) -> Path:
    """`path` with `~` replaced. Raises UserError where that is the home of nobody, or not for the present user."""
    try:
        return workspace.readable(Path(path).expanduser())
    except RuntimeError:
        raise UserError(f"There is no file {str(path)!r}.") from None


def open_file(
    path: str | Path,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    group_column: str | None = None,
    subgroup_column: str | None = None,
    positive: str | None = None,
    encoding: str = "utf-8",
    limit: int | None = None,
) -> Examples:
    """Labelled examples from a CSV, TSV or JSONL file with a header or keys, or from a TXT file that marks its lines.

    text_column, label_column: by default `text` and `label` (also `prompt` and `target`). group_column: by default
    `group` if there is one; rows with the same group stay together when split. subgroup_column: by default `subgroup`
    if there is one; kinds of rows whose scores are compared. "" for either: none. The labels are 0 and 1, or two
    other values; of those `positive` is the positive one, by default the second in alphabetical order (notes say
    which). Of more than two, `positive` has to be told and the others are negative. encoding: one of ENCODINGS.
    limit: as in `open_examples`.
    """
    path = expanded(path)
    return open_upload(
        path.name,
        _read_file(path),
        text_column=text_column,
        label_column=label_column,
        group_column=group_column,
        subgroup_column=subgroup_column,
        positive=positive,
        encoding=encoding,
        limit=limit,
        source=str(path),
    )


def open_upload(
    name: str,
    data: bytes,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    group_column: str | None = None,
    subgroup_column: str | None = None,
    positive: str | None = None,
    encoding: str = "utf-8",
    limit: int | None = None,
    source: str | None = None,
) -> Examples:
    """As `open_file`, of a file's name and content. source: what becomes id and source, by default the name."""
    if _suffix(name) == ".txt":
        return _of_lines(name, decoded(name, data, encoding), source or name, limit)
    return open_table(
        read_table(name, data, encoding=encoding),
        text_column=text_column,
        label_column=label_column,
        group_column=group_column,
        subgroup_column=subgroup_column,
        positive=positive,
        limit=limit,
        source=source,
    )


def open_table(
    table: Table,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    group_column: str | None = None,
    subgroup_column: str | None = None,
    positive: str | None = None,
    limit: int | None = None,
    source: str | None = None,
) -> Examples:
    """As `open_upload`, of a table that was read already."""
    text = _choose(table, text_column, ("text", "prompt"), "texts")
    label = _choose(table, label_column, ("label", "target"), "labels")
    if text == label:
        raise UserError(f"Column {brief(text)} of {table.name} cannot be both the texts and the labels; choose two.")
    group = _optional(table, group_column, "group")
    subgroup = _optional(table, subgroup_column, "subgroup")
    texts = _texts(table, text)
    labels = to_labels(table, label, positive)
    title, names, kind_name = Path(table.name).stem, labels.names, subgroup or "subgroup"
    if table.head is not None and (label, positive) == ("label", None):  # a set that was saved and passed on
        told = [table.head.get(key) for key in ("title", "negative_name", "positive_name", "subgroup_name")]
        if all(isinstance(word, str) for word in told):
            title, names, kind_name = str(told[0]), (str(told[1]), str(told[2])), str(told[3])
    return make_examples(
        source or table.name,
        title,
        texts,
        labels.values,
        source=source or table.name,
        own_groups=None if group is None else [cell or "" for cell in table.column(group)],
        subgroups=None if subgroup is None else [cell or "" for cell in table.column(subgroup)],
        subgroup_name=kind_name,
        limit=limit,
        names=names,
        notes=(*table.notes, *labels.notes),
    )


def open_two(
    positives: tuple[str, bytes], negatives: tuple[str, bytes], *, title: str, encoding: str = "utf-8"
) -> Examples:
    """Examples from two TXT files (name, content), one text a line: the positives' and the negatives'."""
    lists: list[list[str]] = []
    for name, data in (positives, negatives):
        if _suffix(name) != ".txt":
            raise UserError(
                f"{name} is a table with labels of its own; of two files both must be TXT, one text a line."
            )
        lines = text_lines(decoded(name, data, encoding))
        if not lines:
            raise UserError(f"{name} holds no text; write one text a line.")
        lists.append(_checked_lines(name, lines))
    made = from_lists(lists[0], lists[1], name=title)
    notes = (f"Positives from {positives[0]}, negatives from {negatives[0]}.", *made.notes)
    return replace(made, source=f"{positives[0]}, {negatives[0]}", notes=notes)


def read_texts(path: str | Path, *, text_column: str | None = None) -> list[str]:
    """Unlabelled texts: the lines of a TXT file that are not blank, or the text column of a CSV, TSV or JSONL file."""
    path = expanded(path)
    data = _read_file(path)
    if _suffix(path.name) == ".txt":
        texts = _checked_lines(path.name, text_lines(decoded(path.name, data)))
    else:
        table = read_table(path.name, data)
        texts = _texts(table, _choose(table, text_column, ("text", "prompt"), "texts"))
    if not texts:
        raise UserError(f"{path.name} holds no text.")
    return texts


def _of_lines(name: str, text: str, source: str, limit: int | None) -> Examples:
    """A TXT file that marks which of its lines are positive."""
    lines = labelled_lines(name, text)
    texts = _checked_lines(name, [(number, line) for number, line, _ in lines])
    labels = [label for _, _, label in lines]
    if len(set(labels)) == 1:
        raise UserError(f"All lines of {name} are {'positive' if labels[0] else 'negative'}; {HOW}.")
    return make_examples(source, Path(name).stem, texts, labels, source=source, limit=limit)


def _checked_lines(name: str, lines: Sequence[tuple[int, str]]) -> list[str]:
    for number, line in lines:
        check_text(line, f"The text in {name}, line {number},")
    return [line for _, line in lines]


def _read_file(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise UserError(f"{path} is a folder; give a file ({', '.join(SUFFIXES)}).")
        _suffix(path.name)
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise UserError(f"{path} is too large ({size / 1e6:,.0f} MB; at most {MAX_BYTES / 1e6:,.0f} MB); cut it.")
        return path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"There is no file {path}.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from error


def _suffix(name: str) -> str:
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(f"{name} is not of a kind that can be opened; give one of {', '.join(SUFFIXES)}.")
    return suffix


def _choose(table: Table, wanted: str | None, usual: tuple[str, ...], what: str) -> str:
    """The column that is wanted, or the first of the usual names that exists."""
    found = [column for column in ((wanted,) if wanted else usual) if column in table.columns]
    if not found:
        hint = "; the first line must name the columns" if {"0", "1"} & set(table.columns) else ""
        looked_for = " or ".join(brief(column) for column in ((wanted,) if wanted else usual))
        raise UserError(
            f"{table.name} has no column {looked_for} for the {what}; it has {listed(table.columns)}{hint}."
        )
    return found[0]


def _optional(table: Table, wanted: str | None, usual: str) -> str | None:
    """The column that is wanted, by default the usual one if it is there; None for none."""
    if wanted is None:
        return usual if usual in table.columns else None
    return _choose(table, wanted, (), usual + "s") if wanted else None


def _texts(table: Table, column: str) -> list[str]:
    texts = []
    for line, cell in zip(table.lines, table.column(column), strict=True):
        if cell is None:
            raise UserError(f"{table.name}, line {line}, has no {brief(column)}.")
        check_text(cell, f"The text in {table.name}, line {line},")
        texts.append(cell)
    return texts
