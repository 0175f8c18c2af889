"""The exception that is meant for people."""

from __future__ import annotations

from core.errors import LONGEST, UserError


def test_a_sentence_that_quotes_too_much_loses_its_middle() -> None:
    told = str(UserError("It says " + "x" * 50_000 + "; mend it."))
    assert len(told) < LONGEST + 10
    assert told.startswith("It says x")
    assert told.endswith("; mend it.")
    assert str(UserError("short")) == "short"
