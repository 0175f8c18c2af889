"""How tokens are chosen: greedy or drawn, and by what rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.links import exact, linked

if TYPE_CHECKING:
    from core.steering import Decoding

MOST_TOKENS = 400
LARGEST_SEED = 2**31 - 1
TEMPERATURES, TOP_PS, PENALTIES = (0.0, 2.0), (0.05, 1.0), (1.0, 2.0)  # from, to


def choose_generation() -> Decoding:
    from core.steering import Decoding

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
        seed = linked(
            st.number_input,
            "Seed",
            key="seed",
            default=0,
            read=int,
            valid=lambda value: isinstance(value, int) and 0 <= value <= LARGEST_SEED,
            min_value=0,
            max_value=LARGEST_SEED,
            step=1,
            help="Of the random numbers, the same for the plain and the steered text. Has no effect at temperature 0.",
        )
    with middle:
        temperature = linked(
            st.slider,
            "Temperature",
            key="temperature",
            default=0.0,
            read=float,
            write=exact,
            valid=lambda value: isinstance(value, float) and TEMPERATURES[0] <= value <= TEMPERATURES[1],
            min_value=TEMPERATURES[0],
            max_value=TEMPERATURES[1],
            step=0.1,
            help="0 always takes the likeliest token (greedy). Above 0 tokens are drawn at random; 1 is the model's "
            "own distribution.",
        )
    with right:
        top_p = linked(
            st.slider,
            "Top-p",
            key="top_p",
            default=1.0,
            read=float,
            write=exact,
            valid=lambda value: isinstance(value, float) and TOP_PS[0] <= value <= TOP_PS[1],
            min_value=TOP_PS[0],
            max_value=TOP_PS[1],
            step=0.05,
            help="Tokens are drawn from the likeliest ones that together hold this share of probability; 1 takes all. "
            "Has no effect at temperature 0.",
        )
    with middle:
        penalty = linked(
            st.slider,
            "Repetition penalty",
            key="penalty",
            default=1.0,
            read=float,
            write=exact,
            valid=lambda value: isinstance(value, float) and PENALTIES[0] <= value <= PENALTIES[1],
            min_value=PENALTIES[0],
            max_value=PENALTIES[1],
            step=0.05,
            help="1 is none. Above 1 tokens that stand in the prompt or the text already become less likely "
            "(Keskar et al. 2019).",
        )
    return Decoding(tokens, temperature, top_p, penalty, seed)


def choose_targets(key: str = "targets") -> str:
    """Next words whose probability is watched, as they were typed."""
    return linked(
        st.text_input,
        "Target words",
        key=key,
        default="",
        valid=lambda text: len(text) <= 400,
        max_chars=400,
        placeholder="none, or good, great",
        help="Next words whose probability is watched beside the other guards, with commas. Each has to be one token "
        "of the model, taken with the space before it. They decide no text.",
    )


def choose_chat() -> bool:
    return linked(
        st.toggle,
        "As a user's turn in a chat",
        key="chat",
        default=False,
        read=lambda text: text == "yes",
        write=lambda on: "yes" if on else "",
        help="Wraps the prompt in the model's chat template, if it has one.",
    )
