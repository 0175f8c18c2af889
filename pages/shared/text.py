"""Showing text that others wrote (uploads, data sets, models): as text, never as markup."""

from __future__ import annotations

import re

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&^=\"'/@])")


def plain(text: str) -> str:
    """`text` with everything escaped that Streamlit's markdown could read as markup, emoji codes or maths."""
    return _MARKUP.sub(r"\\\1", text.replace("\r", " ").replace("\n", " "))


def shortened(text: str, length: int = 240) -> str:
    """The first `length` characters on one line, with an ellipsis where something was cut."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def duration(seconds: float) -> str:
    """12 s, 3 min, 2 h 5 min."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def size(n_bytes: float) -> str:
    """12 kB, 3.4 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1000 or unit == "GB":
            return f"{n_bytes:.0f} {unit}" if n_bytes >= 10 or unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    raise AssertionError("unreachable")


def verbatim(text: str) -> str:
    """`text` with everything escaped, its line breaks and leading spaces kept: for st.markdown."""
    lines = text.replace("\t", "    ").split("\n")
    return "  \n".join(
        "\u00a0" * (len(line) - len(line.lstrip(" "))) + plain(line.lstrip(" ")) if number else plain(line)
        for number, line in enumerate(lines)
    )
