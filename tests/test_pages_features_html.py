"""A card and a table as HTML files: everything is in them, and nothing of others is markup."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd

from core.dictionaries.index.feature import Example, Feature, Histogram, Near, Token, TokenShare
from core.dictionaries.index.labels import Label
from pages.shared.features_html import MOST, card_html, table_html

HOSTILE = "<img src=x onerror=alert(1)>\u202e</title><script>alert(2)</script>\" onload='x"
TAGS = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "table", "tr", "th", "td", "p", "span"}


class Reader(HTMLParser):
    """Tags, attributes and text, as a browser would find them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.styles: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        self.styles += [value or "" for name, value in attrs if name == "style"]

    def handle_data(self, data: str) -> None:
        self.text += data


def feature() -> Feature:
    tokens = (Token("The", None), Token(HOSTILE, 2.0), Token(" end", 0.5))
    examples = (
        Example("top", 2.0, 1.0, {"set": HOSTILE, "row": 7}, 0, 1, tokens, 1),
        Example("5%", 0.5, 0.04, {"set": "b", "row": 8}, 0, 2, tokens, 2),
    )
    return Feature(
        feature=5,
        tokens=1000,
        count=10,
        density=0.01,
        max=2.0,
        min=0.0,
        mean=1.0,
        quantiles={0.5: 1.0},
        exact=True,
        histograms=(Histogram(1, np.arange(65.0), np.arange(64)),),
        top_tokens=(TokenShare(3, HOSTILE, 0.75, 12, 0.0),),
        promoted=((HOSTILE, 1.25),),
        suppressed=((HOSTILE, -1.5),),
        nearest=(Near(17, 0.625),),
        together=(),
        examples=examples,
    )


def test_a_card_holds_everything_and_no_markup_of_others() -> None:
    page = card_html(feature(), Label(HOSTILE, "hand", 0.875), {"dictionary": HOSTILE})
    read = Reader(page)
    assert read.tags <= TAGS
    assert read.names <= {"lang", "charset", "http-equiv", "content", "name", "class", "title", "style"}
    assert "\u202e" not in page
    assert "<img src=x onerror=alert(1)>⟨U+202E⟩" in read.text
    facts = ("0.88", "10 of 1,000 tokens", "above 4% of its codes", "row 7", "row 8")
    for said in (*facts, "17", "0.625", "+1.250", "-1.500", "0.750"):
        assert said in read.text
    strongest = [style for style in read.styles if style.endswith("0.620)")]
    assert strongest == ["background:rgba(213,94,0,0.620)"] * 2
    assert "default-src 'none'" in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_dead_feature_and_negative_codes() -> None:
    dead = replace(feature(), count=0, examples=(), top_tokens=(), promoted=(), suppressed=(), nearest=(), max=0.0)
    assert "no label" in Reader(card_html(dead, None, {})).text
    low = Example("lowest", -2.0, 0.0, {"set": "a", "row": 1}, 0, 0, (Token("x", -2.0),), 0)
    assert "rgba(0,114,178,0.620)" in card_html(replace(feature(), min=-2.0, examples=(low,)), None, {})


def test_a_table_is_cut_and_says_so() -> None:
    lines = pd.DataFrame({"label": [HOSTILE, ""], "density": [0.125, float("nan")], "top_tokens": [["a", "\n"], []]})
    read = Reader(table_html(lines, "mine"))
    assert read.tags <= TAGS
    assert "a  ↵" in read.text
    assert "0.125" in read.text
    assert "nan" not in read.text
    many = table_html(pd.DataFrame({"feature": range(MOST + 1)}), "mine")
    assert f"The first {MOST:,} of {MOST + 1:,} lines." in many
    assert many.count("<tr>") == MOST + 1
