"""Plain and steered text side by side, as they are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.progress import Progress
from pages.shared import cached
from pages.shared.directions import Source, direction_of, offer_to_save
from pages.shared.errors import mendable
from pages.shared.sweeps import AUROC_HELP
from pages.shared.text import verbatim

if TYPE_CHECKING:
    from core.models import Model


# Names as they stand in the URL; the same as the fields of core.steering.Positions.
POSITIONS = {"prompt": "Prompt", "first": "First new token", "later": "Later tokens"}
DEFAULT_POSITIONS = ("prompt",)


@dataclass(frozen=True)
class Request:
    """Everything that decides what is written."""

    model: str
    source: Source
    prompt: str
    dose: float
    positions: tuple[str, ...]
    tokens: int
    temperature: float
    seed: int
    chat: bool


@dataclass(frozen=True)
class Written:
    """What was written. steered: split into what both texts share, the first differing piece, and the rest."""

    request: Request
    plain: str
    steered: tuple[str, str, str]
    differs_at: int | None
    coefficient: float
    auroc: float | None
    interval: tuple[float, float] | None
    finished: bool


def panel(request: Request, size: DeltaGenerator) -> None:
    """Buttons and the two texts, and into `size` the dose in raw units.

    No fragment: Streamlit lets a fragment finish before it hears of the next press, so that nothing could stop it.
    """
    with st.container(horizontal=True):
        start = st.button("Generate", type="primary", icon=":material/play_arrow:", key="generate")
        stop = st.empty()
    if start:  # before anything slow, so that it can be pressed from the beginning
        stop.button("Stop", icon=":material/stop:", key="stop", help="What was written so far stays.")
    texts = st.container()
    with size:
        _raw_size(request)
    written: Written | None = st.session_state.get("written_texts")
    if not start and (written is None or written.request != request):
        texts.info("Press **Generate** to see " + ("both texts." if written is None else "what these choices give."))
        return
    with texts:
        bar = st.empty()
        left, right = st.columns(2, border=True)
        left.markdown("**Plain**")
        right.markdown(f"**Steered**, dose {request.dose:+g}")
        boxes = left.empty(), right.empty()
        if start:
            with mendable(), bar.container():
                _write(request, boxes)
            stop.empty()
            written = st.session_state.get("written_texts")
        if written is not None and written.request == request:
            _draw(boxes, written)
            _numbers(written)
            if not request.source.saved:
                offer_to_save(request.model, request.source)


def _raw_size(request: Request) -> None:
    """The dose as the length of the vector that is added, where the site's typical norm is known."""
    from core.activations import known_norm

    with mendable():
        opened = cached.model(request.model)
        norm = known_norm(opened, opened.site(request.source.layer))
        if norm is None:
            st.caption("The typical norm of this layer is measured once, when you first press Generate.")
        else:
            st.caption(
                f"Raw coefficient {request.dose * norm.median:+.2f} = dose {request.dose:+g} × typical norm "
                f"{norm.median:.1f} after layer {request.source.layer}",
                help=f"Median length of the activations of {norm.n_tokens:,} tokens in {norm.n_texts:,} texts, without "
                f"first and special tokens and {norm.n_sinks:,} sinks (tokens of more than 5 times the median).",
            )


def _write(request: Request, boxes: tuple[DeltaGenerator, DeltaGenerator]) -> None:
    """Generate, drawing and keeping every step, so that stopping at any token keeps what is there."""
    from core.steering import Decoding, positions_named, steer_stream

    direction = direction_of(request.model, request.source)
    held_out = direction.provenance.get("held_out", {})
    interval = held_out.get("interval")
    bar = st.empty()

    def measure(moment: Progress) -> None:
        share = moment.done / moment.total if moment.total else 0.0
        bar.progress(min(1.0, share), f"Measuring the typical norm, once: {moment.done:,} of {moment.total:,} texts")

    opened = cached.model(request.model)
    decoding = Decoding(max_new_tokens=request.tokens, temperature=request.temperature, seed=request.seed)
    steps = steer_stream(
        opened,
        direction,
        request.prompt,
        [0.0, request.dose],
        decoding=decoding,
        positions=positions_named(request.positions),
        chat=request.chat,
        progress=measure,
    )
    for number, (before, after) in enumerate(steps):
        if number == 0:
            bar.empty()
        shared = _shared(before.tokens, after.tokens)
        differs = shared < min(len(before.tokens), len(after.tokens))
        common, further = (_text(opened, after.tokens[:n]) for n in (shared, shared + 1))
        written = Written(
            request,
            before.text,
            (common, further[len(common) :], after.text[len(further) :]),
            shared + 1 if differs else None,
            after.coefficient,
            direction.auroc,
            (interval[0], interval[1]) if interval else None,
            before.ended and after.ended,
        )
        st.session_state["written_texts"] = written
        _draw(boxes, written)


def _shared(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """How many tokens the two begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (a, b) in pairs if a != b), min(len(one), len(other)))


def _text(opened: Model, tokens: tuple[int, ...]) -> str:
    from core.steering import text_of

    return text_of(opened, tokens)


def _draw(boxes: tuple[DeltaGenerator, DeltaGenerator], written: Written) -> None:
    prompt = f":gray[{verbatim(written.request.prompt)}]"
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
        help="Length of the vector that is added to each token's activation at this layer: dose × typical norm.",
    )
    columns[2].metric(
        "First difference",
        f"token {written.differs_at}" if written.differs_at else "none",
        help="The first new token, counted from 1, at which the steered text departs from the plain one; marked in it. "
        "Both texts come from one batch with the same random numbers.",
    )
