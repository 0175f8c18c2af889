"""Ways to give texts of one's own: pasted lists, a file, a template. What is given is shown and checked, then kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from core.examples import Examples, from_lists, save_examples, some_rows
from core.workspace import digest
from pages.shared import cached, cached_examples, findings, own_template, own_upload
from pages.shared.drafts import draft, forget_drafts
from pages.shared.errors import mendable
from pages.shared.frame import Chosen
from pages.shared.links import linked, want
from pages.shared.parts import part
from pages.shared.text import plain, shortened
from pages.shared.word_lists import word_lists

SHOWN = 4  # texts of each class in a preview
PASTED = 184  # pixels for a list with its label


def own_texts(chosen: Chosen | None = None) -> None:
    """Draw them. Once a set is taken it is the chosen concept, and the page runs again.

    chosen: the sidebar's choices, for a direction of two word lists; without them that way is not offered.
    """
    with mendable():
        _own_texts(chosen)


@part
def _own_texts(chosen: Chosen | None) -> None:
    ways = {
        "paste": ":material/content_paste: Paste lists",
        "upload": ":material/upload_file: Upload a file",
        "template": ":material/dynamic_form: Template",
    }
    if chosen is not None:
        ways["words"] = ":material/compare_arrows: Two word lists"
    way = linked(
        st.segmented_control,
        "How to give texts",
        key="way",
        default="paste",
        valid=ways.__contains__,
        options=list(ways),
        format_func=ways.__getitem__,
        required=True,
        label_visibility="collapsed",
    )
    with mendable():
        if way == "paste":
            _paste()
        elif way == "words" and chosen is not None:
            word_lists(chosen)
        else:
            found = own_upload.uploaded() if way == "upload" else own_template.of_template()
            if found is not None:
                _look_over(found)
                _offer(lambda: found)


def _paste() -> None:
    left, right = st.columns(2)  # as high as what they hold, which is drawn late: what stands below must not move
    with left, st.container(height=PASTED, border=False):
        positives = draft(st.text_area, "Positives, one per line", height=180, placeholder="What a lovely day!\n…")
    with right, st.container(height=PASTED, border=False):
        negatives = draft(st.text_area, "Negatives, one per line", height=180, placeholder="What an awful day!\n…")
    lists = lines(positives), lines(negatives)
    st.caption(
        f"{len(lists[0]):,} positives, {len(lists[1]):,} negatives. Ten of each are enough to try it; intervals are "
        "honest only with 50 or more of each."
    )
    # Above what is shown of them: what was pasted is read when the button is pressed, which must not move away.
    _offer(lambda: from_lists(*lists))
    if all(lists):
        _look_over(from_lists(*lists))


def _look_over(found: Examples) -> None:
    """What was given, and what the linter says of it."""
    show_classes(found)
    report = cached_examples.report(found)
    with st.expander(f"Checked: {findings.in_short(report)}", icon=":material/fact_check:"):
        findings.show(report, found)


def _offer(found: Callable[[], Examples]) -> None:
    """The button that takes what was given, with a name."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = draft(
            st.text_input,
            "Name (optional)",
            max_chars=64,
            help="The set is kept under this name in the workspace: up to 64 letters, digits, '_', '.', '+' or '-'. "
            "Without a name, one is made from the texts.",
        ).strip()
        pressed = st.button("Use these texts", type="primary", icon=":material/check:", key="take")
    if pressed:
        with mendable():
            take(found(), name)


def show_classes(examples: Examples, *, shown: int = SHOWN, seed: int = 0) -> None:
    """Both classes with their size and a few of their texts, as text. seed: which texts."""
    rows = some_rows(examples, 2 * shown, seed=seed)
    classes = (
        (1, "Positives", examples.positive_name, examples.n_positives, ":material/add_circle:"),
        (0, "Negatives", examples.negative_name, examples.n_negatives, ":material/do_not_disturb_on:"),
    )
    for column, (label, sort, name, number, icon) in zip(st.columns(2, border=True), classes, strict=True):
        with column:
            same = name in ("positive", "negative")
            st.markdown(f"{icon} **{sort}:** {number:,}" + ("" if same else f" × {plain(name)}"))
            for row in rows:
                if examples.labels[row] == label:
                    st.text(shortened(examples.texts[row], 240))
    for note in examples.notes:
        st.caption(plain(note))


def take(found: Examples, name: str) -> None:
    """Save the set and make it the chosen concept. The same texts without a name are saved once."""
    if name:
        save_examples(replace(found, id=name, title=name), name)
    else:
        stem = re.sub(r"[^A-Za-z0-9]+", "-", found.title).strip("-")[:40] or "texts"
        name = f"{stem}-{digest(found.digest)[:8]}"
        if name not in cached.all_examples():
            save_examples(replace(found, id=name, title=name), name, replace=True)
    cached.forget_examples()
    forget_drafts()
    want("concept", name)
    want("set", name)
    want("do", "browse")
    st.rerun()


def lines(text: str) -> list[str]:
    """The lines that are not blank, without blanks around them."""
    return [line.strip() for line in text.splitlines() if line.strip()]
