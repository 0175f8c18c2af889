"""Home: what this is, one concept that is ready to be looked at, and what is at hand."""

import streamlit as st

from core import first_concept
from core.concept.figures import sweep_figure
from core.tour import open_tour
from pages.shared.errors import mendable
from pages.shared.frame import Chosen, frame, go_to
from pages.shared.shelf import activations_on_disk, models_at_hand
from pages.shared.sweeps import strongest_sentence

chosen: Chosen = frame()

FIRST = {
    "model": first_concept.MODEL,
    "concept": first_concept.EXAMPLES,
    "layer": str(first_concept.LAYER),
    "dose": "-0.5",  # the plain text praises the film already, so the way down shows more
}
if first_concept.has_direction():
    FIRST |= {"from": "saved", "direction": first_concept.DIRECTION}

st.title("Follow a concept through a language model")
st.markdown(
    "Take a concept, such as *positive sentiment*: **where** can it be read from the model's activations, does the "
    "model **use** it, what **carries** it, and what happens when it is **pushed**? Everything runs on this machine; "
    "every number comes with its uncertainty and a control."
)

go_to("tour", "Take the two-minute tour", icon=":material/explore:", primary=True)

probe, test, browse, steer = st.columns(4, border=True)
with probe:
    st.subheader("1 · Probe", anchor=False)
    st.write("In which layers, and how well, can the concept be read?")
    go_to("probing", "Probe a concept", icon=":material/query_stats:")
with test:
    st.subheader("2 · Test", anchor=False)
    st.write("Does the model's answer depend on it, beyond chance?")
    go_to("tcav", "Test with TCAV", icon=":material/verified:")
with browse:
    st.subheader("3 · Browse", anchor=False)
    st.write("Which features of a dictionary carry it, and what else do they do?")
    go_to("features", "Browse features", icon=":material/hub:")
with steer:
    st.subheader("4 · Steer", anchor=False)
    st.write("What does the model write when it is pushed along the concept?")
    go_to("steering", "Steer sentiment", icon=":material/tune:", primary=False, **FIRST)

go_to("concept", "All of it about one concept, on one page", icon=":material/lightbulb:")

st.header("A first look: sentiment in a small model", anchor=False)
tour = open_tour()
if tour is None:
    st.info("No results came along. Press **Probe a concept**, then **Run the sweep**: it takes minutes.")
else:
    st.plotly_chart(
        sweep_figure(tour.sweep),
        key="first_curve",
        config={"displayModeBar": False},
        alt="AUROC of probes for positive sentiment by layer, with the shuffled control and text baselines",
    )
    st.markdown(strongest_sentence(tour.sweep))

st.header("At hand", anchor=False)
with mendable():
    models_at_hand()
    activations_on_disk()
