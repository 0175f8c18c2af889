"""Steering: what does the model write when it is pushed along a concept's direction?"""

from __future__ import annotations

import streamlit as st

from core import first_concept
from pages.shared import steered, steering_fold, steering_runs, steering_sweep
from pages.shared.directions import choose_direction
from pages.shared.errors import mendable, say_refused
from pages.shared.frame import frame
from pages.shared.links import linked
from pages.shared.steering_generation import choose_chat, choose_generation, choose_targets
from pages.shared.steering_parts import PROMPT_CHARACTERS, choose_dose, choose_part, choose_positions, more_parts

PROMPT = 96  # pixels for the prompt with its label
VIEWS = {"play": "Playground", "sweep": "Sweep"}

chosen = frame()

st.title("Steering")
st.write("What does the model write when it is pushed along a concept's direction, and what without?")

view = linked(
    st.segmented_control,
    "View",
    key="steer",
    default="play",
    valid=VIEWS.__contains__,
    options=list(VIEWS),
    format_func=VIEWS.__getitem__,
    required=True,
    label_visibility="collapsed",
)
notes = st.container()
if view == "sweep":
    steering_sweep.panel(chosen)
    with notes:
        say_refused()
    st.stop()

text, way = st.columns([5, 4], gap="medium")
with text, st.container(height=PROMPT, border=False):  # as high as what it holds, which is drawn late
    prompt = linked(
        st.text_area,
        "Prompt",
        key="prompt",
        default=first_concept.PROMPT,
        valid=lambda text: len(text) <= PROMPT_CHARACTERS,
        max_chars=PROMPT_CHARACTERS,
        height=80,
        help="The model goes on from here.",
    )
with text:
    dose = choose_dose()
    positions = choose_positions()
    coefficient = st.container()

with way, mendable(stop=True):
    source = choose_direction(chosen)

with st.expander("How tokens are chosen, and words to watch", icon=":material/casino:"):
    decoding = choose_generation()
    left, right = st.columns(2, vertical_alignment="center")
    with left:
        words = choose_targets()
    with right:
        chat = choose_chat()
with st.expander("Operator, layers, conditions, more interventions", icon=":material/tune:"):
    first = choose_part(chosen, source, dose, positions, chat=chat)
    others = more_parts(chosen, chat=chat)
    steering_runs.presets()
with notes:
    say_refused()
if source is None or first is None:
    st.stop()

with mendable(stop=True):
    recipe = steered.recipe_of(chosen.model, prompt, [first, *others], decoding, chat=chat, targets=words)
steered.panel(recipe, coefficient)
steering_fold.panel(recipe)
