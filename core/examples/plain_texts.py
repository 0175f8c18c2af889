"""Labelled texts from TXT files, which have lines and nothing else."""

from __future__ import annotations

import re

from core.errors import UserError

SEPARATOR = re.compile(r"\s*(-{3,}|={3,}|\*{3,})\s*")
SIGNS = {"+": 1, "-": 0, "−": 0}
HOW = (
    "put a line of three dashes (---) between positives and negatives, or begin every line with + or -, or give"
    " positives and negatives as two files"
)


def text_lines(text: str) -> list[tuple[int, str]]:
    """The lines that are not blank, each with its number from 1.

    Not splitlines: it would also break at characters such as U+2028, which stand inside texts.
    """
    lines = ((number, line.strip("\r")) for number, line in enumerate(text.split("\n"), start=1))
    return [(number, line) for number, line in lines if line.strip()]


def labelled_lines(name: str, text: str) -> list[tuple[int, str, int]]:
    """Line number, text and label (1 or 0) of each line of a TXT file that says which lines are positive.

    Either a line such as `---` stands between positives and negatives, or every line begins with `+` or `-`.
    Raises UserError if neither is so.
    """
    lines = text_lines(text)
    marks = [place for place, (_, line) in enumerate(lines) if SEPARATOR.fullmatch(line)]
    if len(marks) > 1:
        raise UserError(
            f"{name} has {len(marks)} lines such as {lines[marks[0]][1].strip()!r} (lines {lines[marks[0]][0]} and"
            f" {lines[marks[1]][0]}); one is needed, between positives and negatives."
        )
    if marks:
        return [
            (number, line, int(place < marks[0])) for place, (number, line) in enumerate(lines) if place != marks[0]
        ]
    bare = [number for number, line in lines if line.lstrip()[0] not in SIGNS]
    if not lines or len(bare) > len(lines) / 2:
        raise UserError(f"{name} holds texts without labels: {HOW}.")
    if bare:
        raise UserError(f"{name}, line {bare[0]}, begins with neither + nor - as others do; begin every line with one.")
    signed = [(number, line.lstrip()) for number, line in lines]
    return [(number, line[1:].strip(), SIGNS[line[0]]) for number, line in signed]
