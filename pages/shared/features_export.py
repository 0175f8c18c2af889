"""Features as files to take away: the table as CSV, JSON, Parquet or HTML, a card as JSON, CSV or HTML."""

from __future__ import annotations

import io
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.spreadsheet import csv_text
from pages.shared.downloads import download_button, frame_csv
from pages.shared.features_html import MOST, card_html, table_html

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from core.dictionaries.index.feature import Feature
    from core.dictionaries.index.labels import Label

LISTS = ("top_tokens", "promoted", "suppressed")


def table_buttons(found: pd.DataFrame, name: str) -> None:
    """All lines of the table, not only the page that is shown, in a choice of formats."""
    with st.popover("Export", icon=":material/download:"):
        st.caption(f"All {len(found):,} lines that the filters leave, with all columns.")
        formats = (
            ("CSV", "csv", "text/csv", lambda: frame_csv(joined(found))),
            ("JSON", "json", "application/json", lambda: table_json(found)),
            ("Parquet", "parquet", "application/vnd.apache.parquet", lambda: parquet(found)),
            (f"HTML: {min(len(found), MOST):,} lines", "html", "text/html", lambda: table_html(found, name)),
        )
        for label, suffix, mime, made in formats:
            download_button(label, made, file_name=f"{name}.{suffix}", mime=mime, on_click="ignore", key=suffix)


def joined(found: pd.DataFrame) -> pd.DataFrame:
    """Lists as JSON in one cell each, so that tokens of blanks and commas survive."""
    return found.assign(**{name: [json.dumps(cell, ensure_ascii=False) for cell in found[name]] for name in LISTS})


def table_json(found: pd.DataFrame) -> str:
    """Lines as objects; what is not known is null."""
    rows = [{name: plain_value(value) for name, value in row.items()} for row in found.to_dict("records")]
    return json.dumps(rows, ensure_ascii=False, allow_nan=False)


def parquet(found: pd.DataFrame) -> bytes:
    """The table as Parquet, lists of tokens as lists."""
    data = io.BytesIO()
    found.to_parquet(data, index=False)
    return data.getvalue()


def plain_value(value: Any) -> Any:
    """A cell as JSON."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def card_json(one: Feature, label: Label | None, about: Mapping[str, Any]) -> dict[str, Any]:
    """A card as plain JSON."""
    return {
        **about,
        "feature": one.feature,
        "label": None if label is None else {"text": label.text, "by": label.by, **label.to_json()},
        "tokens_read": one.tokens,
        "count": one.count,
        "density": one.density,
        "max": one.max,
        "min": one.min,
        "mean": plain_value(one.mean),
        "quantiles": {str(share): plain_value(value) for share, value in one.quantiles.items()},
        "quantiles_exact": one.exact,
        "histograms": [
            {"sign": part.sign, "edges": part.edges.tolist(), "counts": part.counts.tolist()} for part in one.histograms
        ],
        "top_tokens": [
            {"id": token.id, "token": token.text, "share": token.share, "times": token.times}
            for token in one.top_tokens
        ],
        "promoted": [[token, plain_value(value)] for token, value in one.promoted],
        "suppressed": [[token, plain_value(value)] for token, value in one.suppressed],
        "nearest": [{"feature": near.feature, "cosine": plain_value(near.value)} for near in one.nearest],
        "together": [
            {"feature": near.feature, "correlation": plain_value(near.value), "tokens": near.both}
            for near in one.together
        ],
        "examples": [example.to_json() for example in one.examples],
    }


def examples_csv(one: Feature) -> str:
    """A card's examples, a line per example: where it is from, and its text around the token."""
    rows = [
        (
            example.band,
            example.value,
            plain_value(example.rank),
            example.source["set"],
            example.source["row"],
            example.position,
            "".join(token.text for token in example.tokens[: example.centre]),
            example.tokens[example.centre].text if example.tokens else "",
            "".join(token.text for token in example.tokens[example.centre + 1 :]),
        )
        for example in one.examples
    ]
    heading = ["band", "value", "rank", "set", "row", "position", "before", "token", "after"]
    return csv_text(heading, rows)


def card_buttons(one: Feature, label: Label | None, about: Mapping[str, Any], name: str) -> None:
    """The card in a choice of formats."""
    with st.popover("Export", icon=":material/download:"):
        download_button(
            "JSON: everything on this card",
            lambda: json.dumps(card_json(one, label, about), ensure_ascii=False, indent=1, allow_nan=False) + "\n",
            file_name=f"{name}.json",
            mime="application/json",
            on_click="ignore",
            key="card_json",
        )
        download_button(
            "CSV: its examples",
            lambda: examples_csv(one),
            file_name=f"{name}-examples.csv",
            mime="text/csv",
            on_click="ignore",
            key="card_csv",
        )
        download_button(
            "HTML: a page that opens anywhere",
            lambda: card_html(one, label, about),
            file_name=f"{name}.html",
            mime="text/html",
            on_click="ignore",
            key="card_html",
        )
