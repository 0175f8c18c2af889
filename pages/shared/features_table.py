"""All features of a dictionary as a table: a page of them at a time, one of which is looked into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import cached_features, features_filters, features_probe
from pages.shared.downloads import file_part
from pages.shared.features_export import table_buttons
from pages.shared.frame import Chosen
from pages.shared.links import choose as set_choice
from pages.shared.links import linked
from pages.shared.parts import part, run_only
from pages.shared.tokens import visible

if TYPE_CHECKING:
    import pandas as pd

    from pages.shared.cached_features import Opened

CARD = "card"  # the part that shows the card of a feature
ROWS = 50  # on a page: all 65,536 would take the browser half a minute
SHOWN = (
    *("feature", "label", "probe_weight", "probe_reads", "label_score", "density", "max"),
    *("top_tokens", "promoted", "suppressed", "dead"),
)
MORE = ("label_by", "count", "mean", "median", "top_share", "promotes", "nearest", "cosine", "bookmark", "note")
FORMATS = {
    "label_score": "%.2f",
    "density": "%.5f",
    "max": "%.2f",
    "mean": "%.2f",
    "median": "%.2f",
    "top_share": "%.2f",
    "promotes": "%.2f",
    "cosine": "%.2f",
    "probe_weight": "%+.3f",
    "probe_reads": "%+.3f",
}
OWN = {"note": "What you noted.", "bookmark": "Whether you marked it."}


def choose(opened: Opened, chosen: Chosen) -> pd.DataFrame:
    """Draw the choices of a view of the table; the lines of all features that it goes through, in their order."""
    table, view = features_filters.ask(lambda: features_probe.ask(opened, chosen))
    return view.of(table, lambda words, where: cached_features.found(opened, words, where))


@part
def show(opened: Opened, found: pd.DataFrame) -> None:
    """Draw the lines that are looked at."""
    list_of(opened, found, found["feature"].tolist(), key="table", card=CARD)


def list_of(opened: Opened, found: pd.DataFrame, numbers: list[int], *, key: str, card: str | None = None) -> list[int]:
    """A list of features, a page at a time; choosing a line looks into it. card: key of the part that shows it, if it
    is a part of its own."""
    if not numbers:
        st.info("No feature is like that. Take a filter or a word away.")
        return numbers
    pages = -(-len(numbers) // ROWS)
    page = 1
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if pages > 1:
            page = linked(
                st.number_input,
                f"Page, of {pages:,}",
                key="features_page",
                default=1,
                read=int,
                valid=lambda value: isinstance(value, int) and 1 <= value <= pages,
                min_value=1,
                max_value=pages,
                width=160,
                help=f"{ROWS} features on each.",
            )
        wide = st.toggle("All columns", key=f"{key}_wide")
        table_buttons(found, f"features-{file_part(opened.dictionary.name)}")
    shown = found.iloc[(page - 1) * ROWS : page * ROWS]
    _draw(shown, wide, key=f"{key}_{page}_{hash(tuple(shown['feature'].tolist()))}", card=card)
    st.caption(
        f"{len(numbers):,} of {opened.index.n_features:,} features, over {opened.index.n_tokens:,} tokens of "
        f"{_texts(opened)}. Click the box before a row (by keys: Shift and Space) to look into it."
    )
    return numbers


def readable(found: pd.DataFrame) -> pd.DataFrame:
    """The table with lists of tokens as text, in which nothing is hidden."""
    made = found.copy()
    for column in ("top_tokens", "promoted", "suppressed"):
        made[column] = ["  ".join(visible(one) for one in cell) for cell in found[column]]
    for column in ("label", "top_token", "note"):
        made[column] = [visible(cell) if cell else "" for cell in found[column]]
    return made


def config() -> dict[str, Any]:
    """What each column is called, and what it is."""
    from core.dictionaries.index.probed import PROBED
    from core.dictionaries.index.table import COLUMNS

    kinds = st.column_config
    made: dict[str, Any] = {}
    for column, help in {**COLUMNS, **PROBED, **OWN}.items():
        name = features_filters.title(column)
        if column in ("dead", "bookmark"):
            made[column] = kinds.CheckboxColumn(name, help=help)
        elif column in FORMATS:
            made[column] = kinds.NumberColumn(name, help=help, format=FORMATS[column])
        elif column in ("feature", "count", "nearest"):
            made[column] = kinds.NumberColumn(name, help=help, format="%d")
        else:
            made[column] = kinds.TextColumn(name, help=help, width="medium" if column == "label" else None)
    return made


def _draw(shown: pd.DataFrame, wide: bool, *, key: str, card: str | None) -> None:
    features = shown["feature"].tolist()
    order = [*SHOWN, *MORE] if wide else SHOWN

    def look() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            set_choice("feature", int(features[rows[0]]))
            if card is not None:
                run_only(card)

    st.dataframe(
        readable(shown),
        key=key,
        hide_index=True,
        height=min(388, 38 + 35 * len(shown)),
        on_select=look,
        selection_mode="single-row",
        column_order=[column for column in order if column in shown.columns],
        column_config=config(),
        alt="Features of the dictionary",
    )


def _texts(opened: Opened) -> str:
    about = opened.index.corpus.get("about") or {}
    if opened.index.corpus["kind"] == "corpus":
        return "the bundled corpus"
    return str(about.get("examples") or about.get("file") or "texts of your own")
