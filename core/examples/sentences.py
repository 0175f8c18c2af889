"""What belongs to a sentence about somebody's file: names and cells that may be of any length."""

from __future__ import annotations

from collections.abc import Sequence

_LONGEST, _MOST = 40, 12


def brief(value: str) -> str:
    """`value` in quotes, cut where it is long."""
    return repr(value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…")


def listed(values: Sequence[str]) -> str:
    """The values in quotes with commas, cut where they are many."""
    shown = ", ".join(brief(value) for value in values[:_MOST])
    return f"{shown} and {len(values) - _MOST:,} more" if len(values) > _MOST else shown or "none"
