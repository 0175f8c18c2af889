"""What surrounds every page: the sidebar with model, layer and concept, kept across pages and in the URL."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core import first_concept
from core.examples import Info
from core.glossary import defined
from core.models import ModelInfo, list_models
from pages.shared import cached
from pages.shared.door import enter, signed_in_as
from pages.shared.hardware import choose_hardware
from pages.shared.links import follow, linked, turn_to
from pages.shared.style import style
from pages.shared.text import plain

KEPT = ("model", "device", "dtype", "layer", "concept", "images")  # choices of the sidebar that a button takes along
ASSETS = Path(__file__).resolve().parent.parent.parent / "assets"


@dataclass(frozen=True)
class Chosen:
    """What the sidebar says. layers: how many the model has, None until it was opened once. concept: examples id.

    kind: "text" or "image", what the model reads, and so what the concept is made of.
    """

    model: str
    layer: int
    layers: int | None
    concept: str
    kind: str = "text"

    @property
    def infos(self) -> dict[str, Info]:
        """The sets at hand that the model can read, by id."""
        return cached.all_examples() if self.kind == "text" else cached.all_images()

    @property
    def info(self) -> Info | None:
        """The catalogue's line about the concept; None if there are no examples at all."""
        return self.infos.get(self.concept)


def frame(*, images: bool = False) -> Chosen:
    """Draw the sidebar. The first line of every page, since a page may run without the others.

    images: whether the page is for models that read images too.
    """
    _enter_by_the_door()
    enter()
    turn_to(Path(sys._getframe(1).f_globals["__file__"]).stem)  # the page's own, however it was come to
    st.logo(ASSETS / "logo.svg", size="large", icon_image=ASSETS / "icon.svg")
    with st.sidebar:
        at_hand = {info.id: info for info in list_models()}
        known = {id: info for id, info in at_hand.items() if images or info.kind == "text"}
        model = _choose_model(known, refused={id for id in at_hand if id not in known})
        kind = known[model].kind if model in known else "text"
        choose_hardware()
        layers = known[model].layers if model in known else None
        layer = _choose_layer(layers, of_ours=model == first_concept.MODEL)
        concept = _choose_concept(cached.all_examples()) if kind == "text" else _choose_images(cached.all_images())
        to_library("Your own texts", icon=":material/library_add:", do="add")
        signed_in_as()
        style()  # at the foot, where nothing moves if it is there before it is read
    return Chosen(model, layer, layers, concept, kind)


def go_to(page: str, label: str, *, icon: str | None = None, primary: bool = False, **choices: str) -> None:
    """A button that leads to `pages/<page>.py` with some choices made there."""
    if st.button(label, icon=icon, type="primary" if primary else "secondary", key=f"to_{page}_{label}"):
        kept = {key: st.query_params[key] for key in KEPT if key in st.query_params}
        follow(choices)
        st.switch_page(f"pages/{page}.py", query_params={**kept, **choices})


def go_steer(label: str, *, model: str, concept: str, layer: int, method: str, primary: bool = False) -> None:
    """A button that leads to Steering with one direction made from a concept, whatever was pushed there before."""
    alone = {"from": "concept", "method": method, "layers": "", "more": "0"}
    go_to(
        *("steering", label),
        icon=":material/tune:",
        primary=primary,
        **{"model": model, "concept": concept, "layer": str(layer), **alone},
    )


def to_library(label: str, *, icon: str, do: str) -> None:
    """A button that leads to the library's example sets: to browse them, or to add some."""
    go_to("library", label, icon=icon, view="examples", do=do)


def no_concept() -> None:
    """Where there are no examples at all: the way to some."""
    st.info("There is no concept yet: give some texts of your own, or run `make setup`, which fetches labelled sets.")
    to_library("Add texts", icon=":material/library_add:", do="add")


def wait_for_model(chosen: Chosen) -> None:
    """End the page, with a button that goes on, where the model has yet to be made ready: that takes a while."""
    if any(one.id == chosen.model and not one.ready for one in list_models()):
        st.info("The model is made ready when it is opened for the first time, which takes about a minute.")
        if not st.button("Open the model", type="primary", icon=":material/play_arrow:", key="open_model"):
            st.stop()


def default_layer(layers: int | None) -> int:
    """A layer a little before the middle, where concepts are usually read well and steering takes hold."""
    return first_concept.LAYER if layers is None else (layers - 1) * 9 // 20


def _choose_model(known: dict[str, ModelInfo], refused: set[str]) -> str:
    return linked(
        st.selectbox,
        "Model",
        key="model",
        default=first_concept.MODEL,
        valid=lambda id: bool(id) and id not in refused,
        options=list(known),
        accept_new_options=True,
        help="A language model: the bundled `smollm2`, one that was opened before, or type the path of a local "
        "directory (a PEFT adapter too), a `.gguf` file or a Hugging Face hub id.",
    )


def _choose_layer(layers: int | None, *, of_ours: bool) -> int:
    """of_ours: whether the model is the bundled one, whose layers are known wherever a link is opened."""
    help = defined("layer")
    widget, most = (st.number_input, 10_000) if layers is None else (st.slider, layers - 1)
    return linked(
        widget,
        "Layer",
        key="layer",
        default=default_layer(layers),
        always=not of_ours,
        goes=True,
        read=int,
        valid=lambda layer: isinstance(layer, int) and 0 <= layer <= most,
        min_value=0,
        max_value=most,
        help=help,
    )


def _choose_concept(infos: dict[str, Info]) -> str:
    if not infos:
        st.info("No examples at hand. `make setup` fetches the bundled ones; the Probing page takes your own texts.")
        return ""
    default = first_concept.EXAMPLES if first_concept.EXAMPLES in infos else next(iter(infos))
    concept = linked(
        st.selectbox,
        "Concept",
        key="concept",
        default=default,
        valid=infos.__contains__,
        options=list(infos),
        format_func=lambda id: f"{infos[id].title} · {infos[id].subject}" if id in infos else str(id),
        help=f"{defined('concept')} Type to search by title or subject; the Probing page also takes your own texts.",
    )
    info = infos[concept]
    st.caption(f"{info.positives:,} × {plain(info.positive_name)}  \n{info.negatives:,} × {plain(info.negative_name)}")
    return concept


def _choose_images(infos: dict[str, Info]) -> str:
    """A set of images as the concept."""
    concept = linked(
        st.selectbox,
        "Concept",
        key="images",
        default=first_concept.IMAGES,
        valid=infos.__contains__,
        options=list(infos),
        format_func=lambda id: f"{infos[id].title} · {infos[id].subject}" if id in infos else str(id),
        help=f"{defined('concept')} Textures and colours are drawn here, against random patches; the command line also "
        "takes your own folders.",
    )
    info = infos[concept]
    st.caption(f"{info.positives:,} × {plain(info.positive_name)}  \n{info.negatives:,} × {plain(info.negative_name)}")
    return concept


def _enter_by_the_door() -> None:
    """Run app.py first where Streamlit went past it.

    A fresh server that has not met app.py's `st.navigation` yet takes every file in pages/ for a page of its own and
    runs it alone. Naming the pages once ends that, and the same address is run again, now through app.py.
    """
    context = get_script_run_ctx()
    door = Path(context.main_script_path) if context else Path()
    if "entered" in st.session_state or door.name != "app.py":
        return
    # Whichever page is the default answers to the bare address alone, so that it has to be the one that app.py says.
    files = sorted(door.parent.glob("pages/[!_]*.py"))
    st.navigation([st.Page(path, default=path.stem == "home") for path in files])
    st.rerun()
