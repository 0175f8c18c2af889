"""Colours that colour-blind eyes tell apart and that stand out on a white and on a dark page alike."""

from __future__ import annotations

# Okabe and Ito's; these four have a contrast above 3 on white and on black. A dark yellow of Tol's joins them.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
YELLOW = "#997700"
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, YELLOW)
# Colour alone never tells two lines apart.
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x")
GREY = "#7F8791"
FAINT = "rgba(127,135,145,0.22)"


def see_through(color: str, share: float) -> str:
    """`color` (#RRGGBB) with an opacity of `share`, 0-1."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share})"
