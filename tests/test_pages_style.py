"""The colours of both themes can be read, by WCAG's formula, and the style that is sent takes them from the themes."""

from __future__ import annotations

import re
import tomllib

import pytest

from pages.shared.style import STYLE
from tests.pages import ROOT

THEMES = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"]


def contrast(one: str, other: str) -> float:
    """WCAG 2.1's contrast ratio of two colours like #0072B2, 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_formula_gives_the_values_that_everybody_knows() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_what_can_be_pressed_and_what_is_text_stands_out(name: str) -> None:
    theme = THEMES[name]
    assert contrast("#FFFFFF", theme["primaryColor"]) >= 4.5
    for ground in (theme["backgroundColor"], theme["secondaryBackgroundColor"]):
        assert contrast(theme["textColor"], ground) >= 7
        assert contrast(theme["linkColor"], ground) >= 4.5
        assert contrast(theme["primaryColor"], ground) >= 3  # of what is no text, such as a slider


def test_what_is_selected_has_the_colour_of_links() -> None:
    (pair,) = re.findall(r"light-dark\((#\w+), (#\w+)\)", STYLE)
    assert pair == (THEMES["light"]["linkColor"], THEMES["dark"]["linkColor"])
