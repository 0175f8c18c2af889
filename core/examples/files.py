"""Examples from the user's own files: CSV, TSV, JSONL, and plain texts line by line.

Every mistake in a file is told with the file's name and the line where it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.errors import UserError
from core.examples.examples import SMALLEST, Examples, check_text, make_examples
from core.examples.tables import SUFFIXES as TABLES
from core.examples.tables import Row, decoded, read_table

SUFFIXES = (*TABLES, ".txt")
MAX_BYTES = 200_000_000


def expanded(path: str | Path) -> Path:
    """`path` with `~` replaced. Raises UserError where that is the home of nobody."""
    try:
        return Path(path).expanduser()
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
    limit: int | None = None,
) -> Examples:
    """Labelled examples from a CSV, TSV or JSONL file with a header or keys.

    text_column, label_column: by default `text` and `label` (also `prompt` and `target`). group_column: by default
    `group` if there is one; rows with the same group stay together when split. subgroup_column: by default `subgroup`
    if there is one; kinds of rows whose scores are compared. "" for either: none. The labels are 0 and 1, or two
    other values; of those `positive` is the positive one, by default the second in alphabetical order (notes say
    which). limit: as in `open_examples`.
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
    limit: int | None = None,
    source: str | None = None,
) -> Examples:
    """As `open_file`, of a file's name and content. source: what becomes id and source, by default the name."""
    if _suffix(name) == ".txt":
        raise UserError(f"{name} holds texts without labels; use a CSV or JSONL file with a text and a label column.")
    rows = read_table(name, data)
    columns = _columns(rows)
    text = _choose(name, columns, text_column, ("text", "prompt"), "texts")
    label = _choose(name, columns, label_column, ("label", "target"), "labels")
    group = _optional(name, columns, group_column, "group")
    subgroup = _optional(name, columns, subgroup_column, "subgroup")
    _check_texts(name, rows, text)
    labels, names, notes = _to_labels(name, rows, label, positive)
    return make_examples(
        source or name,
        Path(name).stem,
        [row.cells[text] for row in rows],
        labels,
        source=source or name,
        own_groups=None if group is None else [row.cells.get(group, "") for row in rows],
        subgroups=None if subgroup is None else [row.cells.get(subgroup, "") for row in rows],
        subgroup_name=subgroup or "subgroup",
        limit=limit,
        names=names,
        notes=notes,
    )


def column_names(name: str, data: bytes) -> list[str]:
    """The columns of a CSV, TSV or JSONL file that was uploaded, for the user to choose from."""
    return _columns(read_table(name, data))


def read_texts(path: str | Path, *, text_column: str | None = None) -> list[str]:
    """Unlabelled texts: the lines of a TXT file that are not blank, or the text column of a CSV, TSV or JSONL file."""
    path = expanded(path)
    data = _read_file(path)
    if _suffix(path.name) == ".txt":
        # Not splitlines: it would also break at characters such as U+2028, which stand inside texts.
        texts = [line.strip("\r") for line in decoded(path.name, data).split("\n") if line.strip()]
    else:
        rows = read_table(path.name, data)
        column = _choose(path.name, _columns(rows), text_column, ("text", "prompt"), "texts")
        _check_texts(path.name, rows, column)
        texts = [row.cells[column] for row in rows]
    if not texts:
        raise UserError(f"{path.name} holds no text.")
    return texts


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


def _columns(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(column for row in rows for column in row.cells))


def _choose(name: str, columns: list[str], wanted: str | None, usual: tuple[str, ...], what: str) -> str:
    """The column that is wanted, or the first of the usual names that exists."""
    found = [column for column in ((wanted,) if wanted else usual) if column in columns]
    if not found:
        looked_for = " or ".join(repr(column) for column in ((wanted,) if wanted else usual))
        have = ", ".join(repr(column) for column in columns) or "none"
        raise UserError(f"{name} has no column {looked_for} for the {what}; it has {have}.")
    return found[0]


def _optional(name: str, columns: list[str], wanted: str | None, usual: str) -> str | None:
    """The column that is wanted, by default the usual one if it is there; None for none."""
    if wanted is None:
        return usual if usual in columns else None
    return _choose(name, columns, wanted, (), usual + "s") if wanted else None


def _check_texts(name: str, rows: Sequence[Row], column: str) -> None:
    for row in rows:
        if column not in row.cells:
            raise UserError(f"{name}, line {row.line}, has no {column!r}.")
        check_text(row.cells[column], f"The text in {name}, line {row.line},")


def _to_labels(
    name: str, rows: Sequence[Row], column: str, positive: str | None
) -> tuple[list[int], tuple[str, str], list[str]]:
    """Labels as 0 and 1, the words for 0 and for 1, and a note where the order was ours to choose."""
    if len(rows) < SMALLEST:
        raise UserError(f"{name} holds {len(rows)} rows; at least {SMALLEST} are needed.")
    first: dict[str, int] = {}
    for row in rows:
        value = row.cells.get(column, "").strip()
        if not value:
            raise UserError(f"{name}, line {row.line}, has no label in column {column!r}.")
        first.setdefault(value, row.line)
        if len(first) > 2:
            one, other, third = first
            raise UserError(
                f"{name}, line {row.line}: the label {third!r} is a third one beside {one!r} and {other!r};"
                f" column {column!r} must hold exactly two."
            )
    if len(first) == 1:
        raise UserError(f"All {len(rows)} rows of {name} are labelled {next(iter(first))!r}; two labels are needed.")
    negative_name, positive_name = sorted(first)
    if positive is not None:
        if positive not in first:
            raise UserError(f"{name} has no label {positive!r}; it has {negative_name!r} and {positive_name!r}.")
        positive_name, negative_name = positive, next(value for value in first if value != positive)
    labels = [int(row.cells[column].strip() == positive_name) for row in rows]
    if {negative_name, positive_name} == {"0", "1"}:
        return labels, ("negative", "positive") if positive_name == "1" else ("label 1", "label 0"), []
    return labels, (negative_name, positive_name), [f"{positive_name!r} is positive, {negative_name!r} is negative."]
