"""A page of hostile tokens, for the browser tests: each holds a whole tag, which no tokenizer would give."""

import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from pages.shared.tokens import Token, coloured_tokens

TAG = '<img src=x onerror="alert(1)"><b>bold</b>'
hostile = [Token(TAG, -1.0, (TAG, TAG)), Token("safe", 2.0, ("safe",)), Token(TAG, None, (TAG,))]
clicked = coloured_tokens(hostile, key="t", label=TAG, low=TAG, high=TAG, clickable=True)
st.text(f"clicked {clicked}")
coloured_tokens([Token(f" {n}", float(n)) for n in range(2_000)], key="many", label="many", low="0", high="2,000")
