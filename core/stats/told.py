"""Numbers as text: as few digits as say the truth."""

from __future__ import annotations

MOST = 6  # digits behind the point


def share(value: float, digits: int = 2) -> str:
    """A number between 0 and 1: more digits where it would read as a bound that it does not reach."""
    while digits < MOST and value not in (0.0, 1.0) and float(f"{value:.{digits}f}") in (0.0, 1.0):
        digits += 1
    text = f"{value:.{digits}f}"
    if value not in (0.0, 1.0) and float(text) in (0.0, 1.0):
        return f"{value:.1g}" if value < 0.5 else f"over 0.{'9' * MOST}"
    return text


def percent(value: float) -> str:
    """The same in percent."""
    text = share(value)
    return f"{100 * float(text):.6g}%" if text[0].isdigit() else "over 99.9999%"


def signed(value: float, digits: int = 2) -> str:
    """With its sign, a true minus; what is not 0 is not told as 0."""
    nought = value != 0 and float(f"{value:.{digits}f}") == 0
    return (f"{value:+.1g}" if nought else f"{value:+.{digits}f}").replace("-", "−")
