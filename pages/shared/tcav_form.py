"""The choices of the TCAV page: concepts, answer, inputs, layers, negatives, and how the test is made."""

from __future__ import annotations

import streamlit as st

from core import first_concept
from core.errors import UserError
from core.examples import Info
from pages.shared import cached_tcav
from pages.shared.frame import Chosen
from pages.shared.links import comma, linked
from pages.shared.tcav_answers import MOST_TARGETS, choose_answers
from pages.shared.tcav_choices import AGAINST, OWN, POOLED, Choices, read_layers
from pages.shared.tcav_how import ask_how

MOST_CONCEPTS = 12
BESIDE = (*first_concept.BESIDE, "textures/dotted", "textures/chequered")  # the first concept
SAME, PROMPTS = "same", "prompts"
WAYS = {
    OWN: "Each concept's own",
    POOLED: "The negatives of one set",
    AGAINST: "The positives of another concept",
}


def ask(chosen: Chosen, panel: str = "test") -> Choices:
    """Draw the choices that `panel` needs. Raises UserError for what cannot be asked."""
    infos = chosen.infos
    concepts: tuple[str, ...] = (chosen.concept,)
    layers, negatives, other = str(chosen.layer), OWN, ""
    with st.container(border=True):
        if panel == "test":
            concepts = _concepts(chosen, infos)
        left, right = st.columns(2)
        with left:
            targets = choose_answers(chosen, MOST_TARGETS if panel == "test" else 1)
            inputs, prompts = _inputs(chosen, infos)
        with right:
            if panel == "test":
                layers = _layers()
                negatives, other = _negatives(chosen, infos)
            else:
                st.caption(f"At layer {chosen.layer}, which the sidebar chooses.")
        with st.expander("How it is tested", icon=":material/tune:"):
            how, mark = ask_how(chosen.kind)
    if negatives == AGAINST and other in concepts:
        raise UserError(f"{infos[other].title} cannot be tested against itself; choose another set.")
    numbers = read_layers(layers, chosen.layers, chosen.model)
    return Choices(chosen.model, concepts, targets, inputs, prompts, numbers, negatives, other, mark, how, chosen.kind)


def title_of(infos: dict[str, Info], id: str) -> str:
    """A set's title with its subject, its id where it is not in the catalogue."""
    return f"{infos[id].title} · {infos[id].subject}" if id in infos else id


def _concepts(chosen: Chosen, infos: dict[str, Info]) -> tuple[str, ...]:
    """The sidebar's concept, and others beside it."""
    others = [id for id in infos if id != chosen.concept]
    first = (first_concept.EXAMPLES, first_concept.IMAGES)
    usual = [id for id in BESIDE if id in others] if chosen.concept in first else []
    beside = linked(
        st.multiselect,
        f"Concepts beside “{infos[chosen.concept].title}”",
        key="with",
        default=usual,
        read=lambda text: [id for id in text.split(",") if id],
        write=lambda ids: comma(ids) or ",",
        valid=lambda ids: ids is not None and len(ids) < MOST_CONCEPTS and set(ids) <= {*others, chosen.concept},
        options=[*others, chosen.concept],
        format_func=lambda id: title_of(infos, id),
        max_selections=MOST_CONCEPTS - 1,
        placeholder="None: the sidebar's concept alone",
        help="The sidebar's concept is always tested. Others beside it, tested on the same answers, show whether a "
        "score is about this concept: one that is as easy to read and has nothing to do with the answer should not "
        "be supported. Saved sets and bundled ones; type to search.",
    )
    return (chosen.concept, *(id for id in beside if id != chosen.concept))


def _image_inputs(chosen: Chosen) -> tuple[str, tuple[str, ...]]:
    """The set of images that is asked about, or a folder."""
    titles = {SAME: "The images of the sidebar's concept", **cached_tcav.class_images()}
    usual = next((id for id in titles if id != SAME), SAME)
    asked = linked(
        st.selectbox,
        "Inputs",
        key="pictures",
        default=usual,
        valid=bool,
        options=[*titles, *(id for id in chosen.infos if id not in titles)],
        format_func=lambda id: titles.get(id) or (title_of(chosen.infos, id) if id in chosen.infos else id),
        accept_new_options=True,
        help="The images whose answers are asked about: best a folder of yours with images of the class. Type its "
        "path, that of a zip file, or `stamps/zebra` and the like where Tux Paint's cut-outs are installed.",
    )
    return chosen.concept if asked == SAME else asked, ()


def _inputs(chosen: Chosen, infos: dict[str, Info]) -> tuple[str, tuple[str, ...]]:
    """The set whose texts are asked about, or prompts."""
    if chosen.kind == "image":
        return _image_inputs(chosen)
    sets = list(infos)
    names = {SAME: "The texts of the sidebar's concept", PROMPTS: "Prompts of your own"}
    asked = linked(
        st.selectbox,
        "Inputs",
        key="inputs",
        default=SAME,
        valid=lambda id: id in names or id in infos,
        options=[*names, *sets],
        format_func=lambda id: names.get(id) or title_of(infos, id),
        help="The texts whose answers are asked about. A text that is both an input and an example is used on one side "
        "only; which one, a hash of the text decides.",
    )
    if asked != PROMPTS:
        return chosen.concept if asked == SAME else asked, ()
    text = linked(
        st.text_area,
        "Prompts, one per line",
        key="prompts",
        default="",
        max_chars=8_000,
        height=150,
        placeholder="I watched the film last night and I thought it was\n…",
        help="Each line is an input; the answer is what comes behind its last token. Four at the least; 50 or more to "
        "say much.",
    )
    prompts = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not prompts:
        raise UserError("Write or paste some prompts, one per line; or choose a set of texts as inputs.")
    return "", prompts


def _layers() -> str:
    return linked(
        st.text_input,
        "Layers",
        key="at",
        default="spread",
        valid=lambda text: bool(text.strip()),
        max_chars=400,
        help="`spread` takes five from shallow to deep, `all` takes all; or numbers such as 8,14,20. One forward pass "
        "serves all; pushes are made anew at each.",
    )


def _negatives(chosen: Chosen, infos: dict[str, Info]) -> tuple[str, str]:
    way = linked(
        st.selectbox,
        "Negatives",
        key="versus",
        default=OWN,
        valid=WAYS.__contains__,
        options=list(WAYS),
        format_func=WAYS.__getitem__,
        help="What the positives are set against. Their own negatives are usually the best match. Against the "
        "positives of another concept it is relative TCAV: does the answer depend on the one rather than the other? "
        "A score is a statement about both sides.",
    )
    if way == OWN:
        return way, ""
    patches = cached_tcav.pools() if chosen.kind == "image" and way == POOLED else {}
    others = [id for id in infos if id != chosen.concept] if way == AGAINST else [*patches, *infos]
    return way, linked(
        st.selectbox,
        "Of which set",
        key="rival",
        default=others[0],
        always=True,
        valid=others.__contains__,
        options=others,
        format_func=lambda id: patches.get(id) or title_of(infos, id),
    )
