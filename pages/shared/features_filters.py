"""Which features the table shows, in which order: words that are looked for, bounds of any column, a column to sort."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.links import linked, remembered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from core.dictionaries.index.narrowing import Condition

# Columns by what can be asked of them, with what their bounds look like.
NUMBERS = {
    "density": "%.5f",
    "label_score": "%.2f",
    "max": "%.2f",
    "mean": "%.2f",
    "median": "%.2f",
    "count": "%.0f",
    "top_share": "%.2f",
    "promotes": "%.2f",
    "cosine": "%.2f",
    "probe_weight": "%.3f",
    "probe_reads": "%.3f",
}
NOTHING: float | None = None
TEXTS = ("label", "top_token", "promoted", "suppressed", "note")
BY = ("hand", "model", "published", "automatic")
WHERE = {"table": "in labels and tokens", "text": "in activating texts", "meaning": "by meaning of labels"}
LIVE = {"all": "All", "live": "Live", "dead": "Dead"}
TITLES = {
    "feature": "number",
    "label_by": "label by",
    "label_score": "label score",
    "max": "maximum",
    "count": "tokens",
    "top_token": "top token",
    "top_share": "top token's share",
    "top_tokens": "top tokens",
    "promotes": "strongest promotion",
    "cosine": "cosine with the nearest",
    "probe_reads": "encoder dot",
}


@dataclass(frozen=True)
class View:
    """What was chosen. where: a key of WHERE. order: column, and whether the largest comes first."""

    words: str
    where: str
    conditions: tuple[Condition, ...]
    order: tuple[str, bool]

    def of(self, table: pd.DataFrame, search: Callable[[str, str], Mapping[int, float]]) -> pd.DataFrame:
        """The lines that are looked at, in their order. search: finds features, the best first, for words and where."""
        from core.dictionaries.index.narrowing import narrowed
        from core.dictionaries.index.table import sorted_table

        if self.words and self.where != "table":
            scores = search(self.words, self.where)
            return narrowed(table.iloc[list(scores)], self.conditions)
        by, down = self.order
        return sorted_table(narrowed(table, self.conditions, self.words), by, descending=down)


def title(column: str) -> str:
    """A column's name for people."""
    return TITLES.get(column, column.replace("_", " "))


def ask(beside: Callable[[], pd.DataFrame]) -> tuple[pd.DataFrame, View]:
    """Draw the choices of a view of the table. beside: draws one more choice, and gives the table that it leads to."""
    search, place, more = st.columns([3, 2, 2], vertical_alignment="bottom")
    with more:
        table = beside()
    sortable = [column for column in table.columns if column not in ("top_tokens", "promoted", "suppressed")]
    with search:
        words = linked(
            st.text_input,
            "Look for",
            key="find",
            default="",
            max_chars=200,
            icon=":material/search:",
            help="Words, in upper or lower case alike.",
        ).strip()
    with place:
        where = linked(
            st.selectbox,
            "Where",
            key="find_in",
            default="table",
            valid=WHERE.__contains__,
            options=list(WHERE),
            format_func=WHERE.__getitem__,
            help="**In labels and tokens**: labels, notes, and top, promoted and suppressed tokens.  \n"
            "**In activating texts**: the texts around a feature's examples; those with most such examples first.  \n"
            "**By meaning of labels**: the 100 labels that mean something near to it, by a small sentence embedder; "
            "the nearest first.",
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = linked(
            st.selectbox,
            "Sort by",
            width=220,
            key="sort",
            # The densest features are on at every comma; the best understood ones show what a feature is.
            default="label_score" if table["label_score"].notna().any() else "density",
            valid=sortable.__contains__,
            options=sortable,
            format_func=title,
            disabled=bool(words) and where != "table",
            help="Sorts all features, not only those of one page. What a search finds keeps the order of the search.",
        )
        reversed_ = linked(
            st.toggle,
            "Reversed",
            key="reversed",
            default=False,
            read=lambda text: text == "yes",
            write=lambda on: "yes" if on else "",
            help="Numbers are sorted with the largest first, names from A to Z; this turns it around.",
        )
        conditions = _conditions(list(table.columns))
    numeric = by not in (*TEXTS, "label_by", "feature")
    return table, View(words, where, conditions, (by, numeric != reversed_))


def _conditions(columns: list[str]) -> tuple[Condition, ...]:
    from core.dictionaries.index.narrowing import Condition

    numbers = [column for column in NUMBERS if column in columns]
    names = [f"{column}_{end}" for column in numbers for end in ("from", "to")] + [f"{one}_has" for one in TEXTS]
    count = sum(bool(remembered(name) not in (None, "")) for name in names)
    count += (remembered("dead", "all") != "all") + bool(remembered("marked")) + bool(remembered("named_by"))
    found: list[Condition] = []
    name = f"Filters ({count})" if count else "Filters"
    popover = st.popover(name, icon=":material/filter_alt:", key="filters", on_change="rerun")
    everything = bool(popover.open)  # closed it holds what is set alone: nearly thirty choices take a while to draw
    with popover:
        state = linked(
            st.segmented_control,
            "Features",
            key="dead",
            default="all",
            valid=LIVE.__contains__,
            options=list(LIVE),
            format_func=LIVE.__getitem__,
            help="A feature is dead if it is on at no token that was read. With more tokens some come alive.",
        )
        if state != "all":
            found.append(Condition("dead", is_=state == "dead"))
        if linked(
            st.toggle,
            "Bookmarked",
            key="marked",
            default=False,
            read=lambda text: text == "yes",
            write=lambda on: "yes" if on else "",
        ):
            found.append(Condition("bookmark", is_=True))
        by = linked(
            st.selectbox,
            "Label by",
            key="named_by",
            default="",
            valid=("", *BY).__contains__,
            options=["", *BY],
            format_func=lambda name: name or "anybody or nobody",
            help="Who named it: you, a language model that you asked, whoever published the dictionary, or the words "
            "that tell its examples.",
        )
        if by:
            found.append(Condition("label_by", words=by))
        for column in numbers:
            if not everything and not any(_is_set(f"{column}_{end}") for end in ("from", "to")):
                continue
            low, high = _bounds(column)
            if low is not None or high is not None:
                found.append(Condition(column, low, high))
        for column in TEXTS:
            if not everything and not _is_set(f"{column}_has"):
                continue
            words = linked(st.text_input, f"{title(column).capitalize()} has", key=f"{column}_has", default="")
            if words:
                found.append(Condition(column, words=words))
    return tuple(found)


def _is_set(key: str) -> bool:
    """Whether a choice was made, here or in the address."""
    return key in st.query_params or remembered(key) not in (None, "")


def _bounds(column: str) -> tuple[float | None, float | None]:
    from core.dictionaries.index.probed import PROBED
    from core.dictionaries.index.table import COLUMNS

    ends: list[float | None] = []
    for place, (end, label) in zip(st.columns(2), (("from", "at least"), ("to", "at most")), strict=True):
        with place:
            value = linked(
                st.number_input,
                f"{title(column).capitalize()}, {label}",
                key=f"{column}_{end}",
                default=NOTHING,
                read=float,
                write=lambda value: "" if value is None else f"{value:g}",
                valid=lambda value: value is None or (isinstance(value, float | int) and value == value),
                format=NUMBERS[column],
                help={**COLUMNS, **PROBED}[column],
            )
            ends.append(value)
    return ends[0], ends[1]
