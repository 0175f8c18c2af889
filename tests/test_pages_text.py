"""Text of others: nothing in it is ever read as markup. And the words for durations and sizes."""

from __future__ import annotations

import re

import pytest

from pages.shared.text import duration, plain, shortened, size, verbatim

HOSTILE = "<script>alert('x')</script> **b** _i_ [l](u) ![p](u) :red[x] :material/home: $m$ `c` # h ~~s~~ | \\ & &lt;"


def unescaped(text: str) -> str:
    """What a markdown reader shows for text in which all punctuation is escaped."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)


def test_plain_escapes_all_markup_and_changes_nothing_that_is_seen() -> None:
    escaped = plain(HOSTILE)
    assert unescaped(escaped) == HOSTILE
    assert not re.search(r"(?<!\\)(?:\\\\)*[<>*_\[\]`$~:#!&|]", escaped)


def test_verbatim_keeps_lines_and_leading_spaces() -> None:
    shown = verbatim("one\n    # two\n\tthree\n\nfive")
    lines = [unescaped(line).replace("\u00a0", " ").rstrip() for line in shown.split("\n")]
    assert lines == ["one", "    # two", "    three", "", "five"]
    assert not re.search(r"^ {4}", shown, flags=re.MULTILINE)  # which would be a block of code


def test_shortened_says_that_something_is_missing() -> None:
    assert shortened("a  b\n c") == "a b c"
    assert shortened("x" * 50, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (45, "45 s"), (120, "2 min"), (3600, "60 min"), (7500, "2 h 5 min")]
)
def test_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(("n_bytes", "words"), [(0, "0 B"), (1500, "1.5 kB"), (69_120_000, "69 MB"), (3e12, "3000 GB")])
def test_size(n_bytes: float, words: str) -> None:
    assert size(n_bytes) == words
