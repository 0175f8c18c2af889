"""Library: what concepts are made of."""

import streamlit as st

from pages.shared import library_examples
from pages.shared.frame import frame

chosen = frame()

st.title("Library")
st.write("Example sets: the texts that say what a concept is. Look into them before you measure anything with them.")
library_examples.panel(chosen)
