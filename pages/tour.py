"""Tour: one concept through the four views in two minutes, on results that ship with the project."""

from __future__ import annotations

import streamlit as st

from core.tour import open_tour
from pages.shared import tour_steps
from pages.shared.errors import mendable
from pages.shared.frame import frame, go_to
from pages.shared.links import choose, linked

BACK, NEXT = 96, 176  # pixels: a button that grows as it is drawn pushes the other aside

frame()

st.title("A two-minute tour")
st.write(
    "What is a concept inside a neural network? Four views of one of them, *positive sentiment*, in the small language "
    "model that comes along. Everything here was computed before, so that nothing has to run."
)
tour = open_tour()
if tour is None:
    st.info("The results of the tour are not there. `make assets` makes them; the Probing page needs none of them.")
    go_to("probing", "Probe a concept", icon=":material/query_stats:", primary=True)
    st.stop()

steps = list(tour_steps.STEPS)
# Columns, which stand one below the other where it is narrow from the start: a row would only wrap once it is drawn.
row, turn = st.columns([3, 2], vertical_alignment="center")
with row:
    step = linked(
        st.segmented_control,
        "Step",
        key="step",
        default=steps[0],
        valid=steps.__contains__,
        options=steps,
        format_func=lambda name: tour_steps.STEPS[name].name,
        required=True,
        label_visibility="collapsed",
    )
with turn, st.container(horizontal=True, horizontal_alignment="right"):
    # Above what it turns, so that one begins to read at the top.
    at = steps.index(step)
    if at:
        st.button(
            "Back",
            key="back",
            width=BACK,
            icon=":material/arrow_back:",
            on_click=choose,
            args=("step", steps[at - 1]),
        )
    if at + 1 < len(steps):
        after = steps[at + 1]
        st.button(
            f"Next: {tour_steps.STEPS[after].short}",
            key="next",
            width=NEXT,
            icon=":material/arrow_forward:",
            icon_position="right",
            type="primary",
            on_click=choose,
            args=("step", after),
        )

with mendable():
    tour_steps.show(tour, step)
if step in tour.made_of:
    with st.expander("What this was made of", icon=":material/receipt_long:"):
        st.json({"key": tour.value[step]["key"], **tour.made_of[step]})
