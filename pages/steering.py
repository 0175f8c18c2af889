"""Steering: what does the model write when it is pushed along a concept's direction?"""

from __future__ import annotations

import streamlit as st

from core import first_concept
from pages.shared import steered
from pages.shared.directions import choose_direction
from pages.shared.errors import mendable
from pages.shared.frame import frame
from pages.shared.links import comma, linked

MOST_TOKENS = 400

chosen = frame()

st.title("Steering")
st.write("What does the model write when it is pushed along a concept's direction, and what without?")

text, way = st.columns([3, 2], gap="large")
with text:
    prompt = linked(
        st.text_area,
        "Prompt",
        key="prompt",
        default=first_concept.PROMPT,
        max_chars=4000,
        height=80,
        help="The model goes on from here.",
    )
    dose = linked(
        st.slider,
        "Dose",
        key="dose",
        default=0.5,
        read=float,
        write=lambda value: f"{value:g}",
        valid=lambda value: isinstance(value, float) and -1 <= value <= 1,
        min_value=-1.0,
        max_value=1.0,
        step=0.05,
        help="Strength of the push, in units of the typical (median) length of an activation at this layer. Positive "
        "doses push towards the positives of the concept, negative away from them. Large doses break the text.",
    )
    positions = linked(
        st.pills,
        "Tokens that are pushed",
        key="positions",
        default=list(steered.DEFAULT_POSITIONS),
        read=lambda text: text.split(","),
        write=comma,
        valid=lambda names: bool(names) and set(names) <= set(steered.POSITIONS),
        options=list(steered.POSITIONS),
        format_func=steered.POSITIONS.__getitem__,
        selection_mode="multi",
        help="Pushing the prompt alone sets the course and leaves the text fluent. Pushing the generated tokens too is "
        "stronger, and breaks the text sooner. Special tokens and the prompt's first token, which hold no meaning, "
        "are left alone.",
    )
    coefficient = st.container()

with way, mendable(stop=True):
    source = choose_direction(chosen)
    if source is None:
        st.stop()

with st.expander("How tokens are chosen", icon=":material/casino:"):
    left, middle, right = st.columns(3)
    with left:
        tokens = linked(
            st.number_input,
            "New tokens, at most",
            key="tokens",
            default=40,
            read=int,
            valid=lambda value: isinstance(value, int) and 1 <= value <= MOST_TOKENS,
            min_value=1,
            max_value=MOST_TOKENS,
            step=10,
            help="A token is a word or a piece of one.",
        )
    with middle:
        temperature = linked(
            st.slider,
            "Temperature",
            key="temperature",
            default=0.0,
            read=float,
            write=lambda value: f"{value:g}",
            valid=lambda value: isinstance(value, float) and 0 <= value <= 2,
            min_value=0.0,
            max_value=2.0,
            step=0.1,
            help="0 always takes the likeliest token (greedy). Above 0 tokens are drawn at random; 1 is the model's "
            "own distribution.",
        )
    with right:
        seed = linked(
            st.number_input,
            "Seed",
            key="seed",
            default=0,
            read=int,
            valid=lambda value: isinstance(value, int) and 0 <= value < 2**31,
            min_value=0,
            max_value=2**31 - 1,
            step=1,
            help="Of the random numbers, the same for the plain and the steered text. Has no effect at temperature 0.",
        )
    chat = linked(
        st.toggle,
        "As a user's turn in a chat",
        key="chat",
        default=False,
        read=lambda text: text == "yes",
        write=lambda on: "yes" if on else "",
        help="Wraps the prompt in the model's chat template, if it has one.",
    )

request = steered.Request(chosen.model, source, prompt, dose, tuple(positions), tokens, temperature, seed, chat)
steered.panel(request, coefficient)
