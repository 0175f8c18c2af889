"""What Streamlit's themes cannot say, as a few fixed lines of style: constants of ours, never a text of anybody's.

In a theme one colour is both what white text stands on (a button) and text itself (what is selected in a row of
choices, the number on a slider). On a dark ground no colour does both with a contrast of 4.5, the least that WCAG 2.1
asks for (1.4.3): white needs it dark, the ground needs it light. So the dark theme's colour is the one for buttons, and
what is text takes the lighter one of its links.

While the script of a kind of widget is fetched, an empty box stands in its place that has no room for a label, so that
all below moves by a line once the first widget of that kind is there. The boxes that are the first get that room, and
so does a row of buttons that takes two lines on a telephone.
"""

from __future__ import annotations

import streamlit as st

STYLE = """<style>
.stSlider [data-testid="stSliderThumbValue"],
.stButtonGroup [data-variant][data-selected]:not([data-disabled]),
.stTabs [role="tab"]:is([data-selected], [data-hovered], [data-focus-visible]) { color: light-dark(#0072B2, #56B4E9); }
:is(.st-key-dictionary, .st-key-asks, .st-key-asks_class, .st-key-asks_of, .st-key-find, .st-key-find_in,
  .st-key-probe, .st-key-sort, .st-key-with, .st-key-answer, .st-key-inputs, .st-key-at, .st-key-versus)
  [data-testid="stSkeleton"] {
  margin-top: 1.75rem;
}
@media (max-width: 640px) { .st-key-features [data-testid="stSkeleton"] { margin-top: 1.75rem; } }
.stElementContainer:has(> .stMarkdown style) { position: absolute; }
</style>"""
# What opens above the page (a popover) lies outside of what Streamlit calls dark.
DARK = '<style>[data-st-overlay-root="true"] { color-scheme: dark; }</style>'


def style() -> None:
    """Send what the visitor's theme lacks; it takes no room on the page.

    As Markdown, which a browser can show at once: the script that shows bare HTML is fetched first, and on a busy
    machine comes after the boxes that this style is to give their room.
    """
    st.markdown(STYLE, unsafe_allow_html=True)
    if st.context.theme.type == "dark":
        st.markdown(DARK, unsafe_allow_html=True)
