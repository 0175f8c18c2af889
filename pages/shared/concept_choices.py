"""What the Concept page asks: the answer, the dictionary, and the command that computes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from core.concept import Question, Sizes, gather
from core.concept.carried import dictionaries_for, nearest
from pages.shared import cached, cached_tcav
from pages.shared.frame import Chosen
from pages.shared.hardware import as_arguments
from pages.shared.links import linked
from pages.shared.tcav_words import TARGET_HELP, TARGETS

if TYPE_CHECKING:
    from core.concept import Concept
    from core.models import AnyModel, ImageModel
    from core.tcav import Inputs

NONE = "none"
FIRST_CLASS = "class:zebra"


@dataclass(frozen=True)
class Choices:
    """inputs: id of the set whose answers are asked about, "" for the concept's own. dictionary: "" for none."""

    model: str
    kind: str
    concept: str
    layer: int
    target: str
    inputs: str
    dictionary: str
    sizes: Sizes = field(default_factory=Sizes)

    def arguments(self) -> list[str]:
        """The command line: equal work is one job."""
        return ["concept", *self.words()]

    def words(self) -> list[str]:
        """What `concept` and `report` are both given."""
        words = [self.model, "--examples", self.concept, "--layer", str(self.layer)]
        words += [f"--target={self.target}"] if self.target else []  # it may begin with a dash
        words += ["--inputs", self.inputs] if self.inputs else []
        words += ["--dictionary", self.dictionary or NONE] if self.kind == "text" else []
        return [*words, *as_arguments()]

    def question(self) -> Question:
        """The same question as the command asks. Raises UserError for examples that cannot be opened."""
        from core.tcav import make_inputs

        sizes = self.sizes
        if self.kind == "image":
            asked: Inputs | None = None
            if self.inputs:
                others = cached_tcav.images(self.inputs, sizes.inputs)
                asked = make_inputs(self.inputs, others.images, others.groups)
            images = cached_tcav.images(self.concept, sizes.rows)
            return Question(images, self.layer, self.target, asked, sizes=sizes)
        inputs = self.inputs or self.concept
        read = cached.examples(inputs, sizes.inputs)
        return Question(
            cached.examples(self.concept, sizes.rows),
            self.layer,
            self.target,
            make_inputs(inputs, read.texts, read.groups),
            self.dictionary,
            cached.examples(self.concept, sizes.feature_rows),
            sizes,
        )

    def known(self) -> Concept:
        """What is known by now, computed by whomever. Raises UserError for choices that cannot be."""
        question = self.question()

        def look(model: AnyModel | ImageModel) -> Concept:
            return gather(model, question)

        found = cached_tcav.answer(self.model, self.kind, look)
        if found is None:  # a target was never asked of this model, so that only the model itself can say what it is
            found = gather(cached_tcav.model(self.model, self.kind), question)
        return found


def ask(chosen: Chosen) -> Choices:
    """Draw the choices beside the sidebar's."""
    left, right = st.columns(2)
    with left:
        target = _answer() if chosen.kind == "text" else _class(chosen)
    inputs, dictionary = "", ""
    with right:
        if chosen.kind == "text":
            dictionary = _dictionary(chosen)
        else:
            inputs = _pictures()
    return Choices(chosen.model, chosen.kind, chosen.concept, chosen.layer, target, inputs, dictionary)


def _answer() -> str:
    return linked(
        st.selectbox,
        "The model's answer that may depend on it",
        key="asks",
        default=next(iter(TARGETS)),
        valid=lambda spec: isinstance(spec, str) and bool(spec.strip()),
        options=list(TARGETS),
        format_func=lambda spec: TARGETS.get(spec, spec),
        accept_new_options=True,
        help=TARGET_HELP,
    )


def _class(chosen: Chosen) -> str:
    specs = [f"class:{name}" for name in cached_tcav.model(chosen.model, chosen.kind).class_names]
    return linked(
        st.selectbox,
        "The model's answer that may depend on it",
        key="asks_class",
        default=FIRST_CLASS if FIRST_CLASS in specs else specs[0],
        valid=lambda spec: isinstance(spec, str) and bool(spec.strip()),
        options=specs,
        format_func=lambda spec: spec.removeprefix("class:") if spec in specs else spec,
        accept_new_options=True,
        help="The logit of a class, before the softmax; or that of one class less that of another, typed as "
        "`class:zebra|horse`.",
    )


def _pictures() -> str:
    titles = {"": "The concept's own images", **cached_tcav.class_images()}
    return linked(
        st.selectbox,
        "Images whose answers are asked about",
        key="asks_of",
        default=next((id for id in titles if id), ""),
        valid=titles.__contains__,
        options=list(titles),
        format_func=titles.__getitem__,
        help="Best images of the class. The TCAV page takes folders of yours.",
    )


def _dictionary(chosen: Chosen) -> str:
    listed = dictionaries_for(chosen.model)
    names = {one.name: one for one in listed}
    if not names:
        return ""
    chosen_name = linked(
        st.selectbox,
        "Dictionary whose features may carry it",
        key="dictionary",
        default=nearest(listed, chosen.layer),
        always=True,
        valid=lambda name: name in names or name == NONE,
        options=[*names, NONE],
        help="A sparse autoencoder, the model's neurons or principal components; the Features page makes them.",
    )
    return "" if chosen_name == NONE else chosen_name
