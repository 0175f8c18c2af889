"""Numbers as text: no bound that is not reached, no nought that is none."""

from __future__ import annotations

import pytest

from core.stats.told import percent, share, signed


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.50"), (0.998, "0.998"), (0.0003, "0.0003"), (1.0, "1.00"), (0.0, "0.00"), (1 - 1e-9, "over 0.999999")],
)
def test_a_bound_is_told_only_where_it_is_reached(value: float, text: str) -> None:
    assert share(value) == text


def test_percent() -> None:
    assert [percent(value) for value in (0.876, 0.9996, 1.0)] == ["88%", "99.96%", "100%"]


def test_what_is_not_nought_is_not_told_as_nought() -> None:
    assert [signed(value) for value in (0.3, -0.3, 0.0004, -0.0004, 0.0)] == [
        "+0.30",
        "−0.30",
        "+0.0004",
        "−0.0004",
        "+0.00",
    ]
