"""The library's panel of example sets: find one, look into it, check it, use it; keep one's own in order."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import streamlit as st

from core.examples import Info, search, shift_partner
from pages.shared import cached, cached_examples, findings
from pages.shared.errors import mendable
from pages.shared.frame import Chosen, go_to
from pages.shared.kept_examples import downloads, group_near_repeats, keep_in_order, offer_undo
from pages.shared.links import choose, linked, want
from pages.shared.own_texts import own_texts, show_classes
from pages.shared.parts import part
from pages.shared.text import plain, shortened

DO = {"browse": ":material/menu_book: Browse", "add": ":material/library_add: Add your own"}
ALL = "all"
_SUBJECTS = {ALL: "all subjects", "saved": "your own"}
SHOWN = 5  # texts of each class


def panel(chosen: Chosen) -> None:
    """Browse the sets, or add one."""
    do = linked(
        st.segmented_control,
        "What to do",
        key="do",
        default="browse",
        valid=DO.__contains__,
        options=list(DO),
        format_func=DO.__getitem__,
        required=True,
        label_visibility="collapsed",
    )
    if do == "add":
        st.write(
            "A concept is given by texts that show it (positives) and texts that do not (negatives), as alike as "
            "possible in everything else."
        )
        own_texts(chosen)
        return
    offer_undo()
    found = _find()
    if not found:
        st.info("No set fits. Search for fewer words, choose another subject, or add your own.")
        return
    _table(found)
    with mendable():
        _look_into(chosen, found)


def _find() -> list[Info]:
    """The sets that fit the search words and the subject."""
    number = Counter(info.subject for info in cached.all_examples().values())
    subjects = sorted(set(number) - {"saved"})
    words, subject = st.columns([2, 1])
    with words:
        wanted = linked(
            st.text_input,
            "Search",
            key="set_search",
            default="",
            max_chars=200,
            placeholder="words of the title, subject or id; shift for the distribution-shift sets",
        )
    with subject:
        kind = linked(
            st.selectbox,
            "Subject",
            key="set_subject",
            default=ALL,
            valid=lambda value: value in (ALL, "saved", *subjects),
            options=[ALL, "saved", *subjects],
            format_func=lambda value: (
                f"{_SUBJECTS.get(value, value)} ({number.total() if value == ALL else number[value]})"
            ),
        )
    return search(wanted, "" if kind == ALL else kind)


def _table(found: list[Info]) -> None:
    whole = len(cached.all_examples())
    how = "Click the box before a row (by keys: Shift and Space) to look into it."
    st.caption(f"{len(found):,} of {whole:,} sets. {how}")
    key = f"sets_{'_'.join(info.id for info in found[:3])}_{len(found)}"  # a new list begins without a chosen row

    def look() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            choose("set", found[rows[0]].id)

    link, number = st.column_config.LinkColumn, st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(
            {
                "title": [info.title for info in found],
                "subject": [info.subject for info in found],
                "positives": [info.positives for info in found],
                "negatives": [info.negatives for info in found],
                "source": [info.source if _is_link(info.source) else None for info in found],
                "id": [info.id for info in found],
            }
        ),
        key=key,
        hide_index=True,
        height=min(320, 38 + 35 * len(found)),
        on_select=look,
        selection_mode="single-row",
        column_config={
            "title": st.column_config.TextColumn("title", width="large"),
            "positives": number("positives", help="Texts that show the concept"),
            "negatives": number("negatives", help="Texts that do not"),
            "source": link("source", help="Where the texts come from", display_text="open", width="small"),
            "id": st.column_config.TextColumn("id", help="Its name on the command line"),
        },
        placeholder="",
        alt="Example sets",
    )


def _look_into(chosen: Chosen, found: list[Info]) -> None:
    """One set: what it holds, what the linter says, and what can be done with it."""
    known = {info.id: info for info in found}
    id = linked(
        st.selectbox,
        "Look into",
        key="set",
        default=chosen.concept if chosen.concept in known else found[0].id,
        valid=known.__contains__,
        options=list(known),
        format_func=lambda id: f"{known[id].title} · {known[id].subject}" if id in known else str(id),
    )
    info = known[id]
    st.header(plain(info.title), anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        if id == chosen.concept:
            st.badge("the chosen concept", icon=":material/check:", color="green")
        elif st.button("Use as concept", icon=":material/check:", key="use"):
            _use(id)
        go_to("probing", "Probe it", icon=":material/query_stats:", primary=True, concept=id)
        partner = shift_partner(id)
        if partner is not None and partner in cached.all_examples():
            st.button(
                "Same labels, other texts",
                icon=":material/swap_horiz:",
                key="partner",
                on_click=_look_at,
                args=(partner,),
                help="A small set in which the concept shows under other circumstances, such as another language: a "
                "probe that learnt the concept reads it there too.",
            )
        if _is_link(info.source):
            st.link_button("Source", info.source, icon=":material/open_in_new:")
        downloads(info)
    source = "" if _is_link(info.source) else f" Source: {plain(shortened(info.source, 200))}."
    st.caption(f"Subject: {plain(info.subject)}. On the command line: {plain(id)}.{source}")
    _rows(info)
    _checked(info)
    if info.subject == "saved":
        keep_in_order(chosen, info)


def _look_at(id: str) -> None:
    """Look into another set, whatever was searched for."""
    for key, value in (("set", id), ("set_search", ""), ("set_subject", ALL)):
        choose(key, value)


def _use(id: str) -> None:
    """Make a set the sidebar's concept."""
    want("concept", id)
    st.rerun()


@part
def _rows(info: Info) -> None:
    """Rows at random, others at each press."""
    with mendable():
        examples = cached.examples(info.id, None)
        seed = st.session_state.get("rows_seed", 0)
        show_classes(examples, shown=SHOWN, seed=seed)

        def others() -> None:
            st.session_state["rows_seed"] = seed + 1

        st.button("Other rows", icon=":material/shuffle:", key="other_rows", on_click=others)


def _checked(info: Info) -> None:
    st.subheader("Checked", anchor=False)
    examples = cached.examples(info.id, None)
    with st.spinner("Looking for what could mislead …"):
        report = cached_examples.report(examples)
    findings.show(report, examples, {"near repeats": lambda: group_near_repeats(info)})


def _is_link(source: str) -> bool:
    return source.startswith(("https://", "http://"))
