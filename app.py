"""The front door: which pages there are, and what is done after each run of one."""

import streamlit as st

from pages.shared.collecting import spare_libraries
from pages.shared.door import enter, may_enter

st.set_page_config(
    page_title="Conceptscope",
    page_icon=__file__.removesuffix("app.py") + "assets/icon.svg",  # an icon by name would be fetched from the net
    layout="wide",
    menu_items={"About": "Conceptscope: a local workbench for the concepts inside neural networks. Works offline."},
)
page = st.navigation(
    [
        st.Page("pages/home.py", title="Home", icon=":material/home:", default=True),
        st.Page("pages/tour.py", title="Tour", icon=":material/explore:"),
        st.Page("pages/concept.py", title="Concept", icon=":material/lightbulb:"),
        st.Page("pages/probing.py", title="Probing", icon=":material/query_stats:"),
        st.Page("pages/tcav.py", title="TCAV", icon=":material/verified:"),
        st.Page("pages/lens.py", title="Lens", icon=":material/layers:"),
        st.Page("pages/features.py", title="Features", icon=":material/hub:"),
        st.Page("pages/steering.py", title="Steering", icon=":material/tune:"),
        st.Page("pages/library.py", title="Library", icon=":material/menu_book:"),
        st.Page("pages/jobs.py", title="Jobs", icon=":material/schedule:"),
    ],
    position="sidebar" if may_enter() else "hidden",
)
st.session_state["entered"] = True
enter()
try:
    page.run()
finally:
    spare_libraries()
