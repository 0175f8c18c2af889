"""Plain and steered text side by side, as they are written."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.progress import Progress
from pages.shared import cached, steering_look, steering_runs
from pages.shared.directions import maker, offer_to_save
from pages.shared.errors import mendable
from pages.shared.more_directions import feature_for, layer_of
from pages.shared.sweeps import AUROC_HELP
from pages.shared.text import plain, verbatim

if TYPE_CHECKING:
    from core.models import Model
    from core.steering import Decoding, Moment, Part, Ready, Recipe

SETTLING = 0.1  # seconds; a slider that is on the move says so again sooner than that


@dataclass(frozen=True)
class Written:
    """What was written. steered: split into what both texts share, the first differing piece, and the rest.

    differs_at: the first new token, counted from 1, at which the texts part. coefficient, layer, auroc, interval: of
    the first intervention. fired: per intervention, on which tokens of prompt and text it acted. acts: what each of
    them is, in words.
    """

    recipe: Recipe
    plain: str
    steered: tuple[str, str, str]
    differs_at: int | None
    ids: tuple[int, ...]
    tokens: tuple[tuple[int, ...], tuple[int, ...]]
    fired: tuple[tuple[bool, ...], ...]
    acts: tuple[str, ...]
    coefficient: float
    auroc: float | None
    interval: tuple[float, float] | None
    finished: bool

    @property
    def text(self) -> str:
        return "".join(self.steered)


def recipe_of(
    model: str, prompt: str, parts: list[Part], decoding: Decoding, *, chat: bool, targets: str = ""
) -> Recipe:
    """The page's choices as a recipe. A push along a saved direction is at its own layer, whatever the sidebar says.

    targets: words with commas. Raises UserError for what is no recipe.
    """
    from core.steering import Recipe, parse_targets

    own = [
        replace(part, source=replace(part.source, layer=None)) if part.source.kind == "saved" else part
        for part in parts
    ]
    return Recipe(model, prompt, tuple(own), decoding, chat, targets=parse_targets(targets))


def panel(recipe: Recipe, size: DeltaGenerator) -> None:
    """Buttons and the two texts, and into `size` the dose in raw units.

    No fragment: Streamlit lets a fragment finish before it hears of the next press, so that nothing could stop it.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        start = st.button("Generate", type="primary", icon=":material/play_arrow:", key="generate")
        stop = st.empty()
        live = st.toggle(
            "At every change",
            key="live",
            help="Writes anew whenever a choice changes; what was being written is broken off.",
        )
    written = _of_choices(recipe)
    moved = not start and live and (written is None or written.recipe != recipe)
    start = start or moved
    if start:  # before anything slow, so that it can be pressed from the beginning
        stop.button("Stop", icon=":material/stop:", key="stop", help="What was written so far stays.")
    texts = st.container()
    with size:
        _raw_size(recipe)
    if not start and (written is None or written.recipe != recipe):
        texts.info("Press **Generate** to see " + ("both texts." if written is None else "what these choices give."))
        steering_runs.history(None)
        return
    with texts:
        bar = st.empty()
        left, right = st.columns(2, border=True)
        left.markdown("**Plain**")
        right.markdown(f"**Steered**, dose {recipe.parts[0].dose:+g}")
        boxes = left.empty(), right.empty()
        if start:
            with mendable(), bar.container():
                _write(recipe, boxes, settling=SETTLING if moved else 0.0)
            stop.empty()
            written = _of_choices(recipe)
        if written is not None and written.recipe == recipe:
            _draw(boxes, written)
            _numbers(written)
            with mendable():
                steering_look.panel(written)
            steering_runs.remember(written)
            with st.container(horizontal=True):
                source = recipe.parts[0].source
                if source.kind != "saved":
                    offer_to_save(recipe.model, source)
                steering_runs.take_away(written)
    steering_runs.history(written)


def _of_choices(recipe: Recipe) -> Written | None:
    """What was written last. Words that are watched decide no text: for others it is still the same."""
    written: Written | None = st.session_state.get("written_texts")
    if written is not None and replace(written.recipe, targets=recipe.targets) == recipe:
        return replace(written, recipe=recipe)
    return written


def _raw_size(recipe: Recipe) -> None:
    """The first dose as the length of the vector that is added, where the site's typical norm is known."""
    from core.activations import known_norm
    from core.steering import operator_named

    part = recipe.parts[0]
    if operator_named(part.operator).unit != "norm":
        return
    with mendable():
        opened = cached.model(recipe.model)
        own = part.layers[0] if part.layers else part.source.layer
        layer = layer_of(part.source, recipe.model) if own is None else own
        if layer is None:
            return
        norm = known_norm(opened, opened.site(layer))
        if norm is None:
            st.caption("The typical norm of this layer is measured once, when you first press Generate.")
        else:
            st.caption(
                f"Raw coefficient {part.dose * norm.median:+.2f} = dose {part.dose:+g} × typical norm "
                f"{norm.median:.1f} after layer {layer}",
                help=f"Median length of the activations of {norm.n_tokens:,} tokens in {norm.n_texts:,} texts, without "
                f"first and special tokens and {norm.n_sinks:,} sinks (tokens of more than 5 times the median).",
            )


def ready_for(recipe: Recipe) -> Ready:
    """The recipe with its directions found, with a bar where one has to be made or a norm to be measured."""
    from core.steering import Feature, prepare

    bar = st.empty()

    def measure(moment: Progress) -> None:
        share = moment.done / moment.total if moment.total else 0.0
        note = moment.note[:1].upper() + moment.note[1:] if moment.note else "Making the direction"
        bar.progress(min(1.0, share), f"{plain(note)}: {moment.done:,} of {moment.total:,} {moment.unit}")

    def open_feature(model: Model, dictionary: str, number: int) -> Feature:
        return feature_for(recipe.model, model, dictionary, number)

    opened = cached.model(recipe.model)
    try:
        return prepare(opened, recipe, make=maker(recipe.model), open_feature=open_feature, progress=measure)
    finally:
        bar.empty()


def _write(recipe: Recipe, boxes: tuple[DeltaGenerator, DeltaGenerator], *, settling: float) -> None:
    """Generate, drawing and keeping every step, so that stopping at any token keeps what is there.

    settling: seconds to wait before, since a prompt that is being read cannot be broken off: what is only passed by
    would hold up what is meant.

    What Streamlit sends here and there, also while there is nothing new, is where a press of Stop or a closed tab is
    heard; the run leaves the batch that it shares with other sessions then.
    """
    from core.steering import play

    ready = ready_for(recipe)
    opened = cached.model(recipe.model)
    queue = st.empty()
    if settling:
        time.sleep(settling)
        queue.empty()  # ends this run where a later choice has come in
    with closing(play(opened, ready)) as moments:
        for moment in moments:
            if moment.ahead is not None:
                queue.caption(_ahead(moment.ahead))
            elif moment.others:
                queue.caption(_shared(moment.others))
            else:
                queue.empty()
            if any(moment.tokens):
                written = _written(opened, ready, moment)
                st.session_state["written_texts"] = written
                _draw(boxes, written)
    queue.empty()


def _ahead(runs: int) -> str:
    before = "yours is next" if runs == 0 else f"{runs:,} before you"
    return f":material/hourglass_top: Other sessions are writing with this model: {before}."


def _shared(runs: int) -> str:
    whom = "another session" if runs == 1 else f"{runs:,} other sessions"
    return f":material/group: Written together with {whom}, a token of each at a time."


def _written(opened: Model, ready: Ready, moment: Moment) -> Written:
    from core.steering import first_difference, text_of

    before, after = moment.tokens
    place = first_difference(before, after)
    shared = min(len(before), len(after)) if place is None else place
    common, further = (text_of(opened, after[:n]) for n in (shared, shared + 1))
    text = text_of(opened, after)
    first = ready.made[0]
    return Written(
        recipe=ready.recipe,
        plain=text_of(opened, before),
        steered=(common, further[len(common) :], text[len(further) :]),
        differs_at=None if place is None else place + 1,
        ids=ready.ids,
        tokens=moment.tokens,
        fired=moment.fired,
        acts=tuple(_in_words(ready, number) for number in range(len(ready.made))),
        coefficient=first.intervention.coefficient,
        auroc=first.direction.auroc,
        interval=first.direction.interval,
        finished=all(moment.ended),
    )


def _in_words(ready: Ready, number: int) -> str:
    one = ready.made[number]
    part = ready.recipe.parts[one.part]
    where = f"after layer {one.intervention.site.layer}"
    return f"{one.intervention.operator.title} {part.source.title}, dose {part.dose:+g}, {where}"


def _draw(boxes: tuple[DeltaGenerator, DeltaGenerator], written: Written) -> None:
    prompt = f":gray[{verbatim(written.recipe.prompt)}]"
    common, first, rest = written.steered
    word = first.strip()
    before, after = first.split(word, 1) if word else (first, "")
    marked = f":orange-background[{verbatim(word)}]" if word and written.differs_at else verbatim(word)
    marked = verbatim(before) + marked + verbatim(after)
    boxes[0].markdown(prompt + verbatim(written.plain))
    boxes[1].markdown(prompt + verbatim(common) + marked + verbatim(rest))


def _numbers(written: Written) -> None:
    columns = st.columns(3)
    auroc = "not measured" if written.auroc is None else f"{written.auroc:.3f}"
    interval = f"95% interval {written.interval[0]:.3f} to {written.interval[1]:.3f}. " if written.interval else ""
    columns[0].metric("Direction reads its concept: AUROC", auroc, help=interval + AUROC_HELP)
    columns[1].metric(
        "Raw coefficient",
        f"{written.coefficient:+.2f}",
        help="Length of the vector that is added to each token's activation at this layer: dose × typical norm. For "
        "operators that take a share, the share.",
    )
    columns[2].metric(
        "First difference",
        f"token {written.differs_at}" if written.differs_at else "none",
        help="The first new token, counted from 1, at which the steered text departs from the plain one; marked in it. "
        "Both texts come from one batch with the same random numbers.",
    )
