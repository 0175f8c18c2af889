"""Live panel: any text, read token by token along a concept's probe or a saved direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core import first_concept
from core.charts import heat_map
from core.concept.figures import METHOD_NAMES
from core.progress import Progress
from core.stats.told import share
from pages.shared import cached, cached_lenses
from pages.shared.errors import mendable
from pages.shared.frame import Chosen, no_concept
from pages.shared.links import linked
from pages.shared.parts import part
from pages.shared.text import plain
from pages.shared.tokens import Token, coloured_tokens, strongest, visible

if TYPE_CHECKING:
    from core.probing import Reader, TokenReading

TEXT = "The acting was superb and I loved every minute, but the ending was a dull, predictable mess."
VIEWS = {"tokens": "At one layer", "grid": "All layers"}
SAVED = "saved:"
GRID_TOKENS = 80  # columns that can still be told apart


@part
def panel(chosen: Chosen) -> None:
    """Draw the panel for the sidebar's model, layer and concept."""
    from core.directions import list_directions

    text = linked(
        st.text_area,
        "Text",
        key="text",
        default=TEXT,
        max_chars=8_000,
        height=100,
        help="Any text. It is read by the model once; nothing is written.",
    )
    left, right = st.columns(2)
    saved = [SAVED + one.name for one in list_directions() if one.model_id == chosen.model]
    ways = ([] if chosen.info is None else list(METHOD_NAMES)) + saved
    if not ways:
        no_concept()
        return
    with left:
        way = linked(
            st.selectbox,
            "Read with",
            key="reader",
            default=ways[0],
            valid=ways.__contains__,
            options=ways,
            format_func=_way_name,
            help="A probe of the sidebar's concept, trained on its training texts, or a direction from the library.",
        )
    with right:
        view = linked(
            st.segmented_control,
            "Show",
            key="view",
            default="tokens",
            valid=VIEWS.__contains__,
            options=list(VIEWS),
            format_func=VIEWS.__getitem__,
            required=True,
            disabled=way.startswith(SAVED),
            help="The tokens at the sidebar's layer, or layers by tokens: one probe per layer. A saved direction "
            "belongs to one layer.",
        )
    with mendable():
        found = _read(chosen, text, way, view)
        if found is not None:
            _show(found, view if len(found.readers) > 1 else "tokens")


def _way_name(way: str) -> str:
    if way.startswith(SAVED):
        return f"Saved direction: {way.removeprefix(SAVED)}"
    return f"Probe: {METHOD_NAMES[way].lower()}"


def _read(chosen: Chosen, text: str, way: str, view: str) -> TokenReading | None:
    """The reading; None where examples would have to be read first, which takes minutes and wants to be asked for."""
    from core.probing import read_tokens

    opened = cached.model(chosen.model)
    bar = st.empty()

    def draw(moment: Progress) -> None:
        share = moment.done / moment.total if moment.total else 0.0
        note = moment.note[:1].upper() + moment.note[1:]
        bar.progress(min(1.0, share), f"{plain(note)}: {moment.done:,} of {moment.total:,} {moment.unit}")

    if way.startswith(SAVED):
        readers = cached_lenses.direction_readers(chosen.model, way.removeprefix(SAVED), progress=draw)
    else:
        layers = tuple(range(opened.n_layers)) if view == "grid" else (chosen.layer,)
        what = (chosen.model, chosen.concept, first_concept.LIMIT, layers)
        if not cached_lenses.are_recorded(*what):
            st.info(
                "The concept's examples have not been read at "
                + (f"layer {chosen.layer}" if view == "tokens" else "all layers")
                + f" yet. Up to {first_concept.LIMIT:,} texts go through the model once, which takes minutes; a sweep "
                "on the Probing page does the same."
            )
            if not st.button("Read the examples", icon=":material/play_arrow:", key="read_examples"):
                return None
        readers = cached_lenses.readers(*what, way, progress=draw)
    bar.empty()
    return read_tokens(opened, text, readers)


def _show(found: TokenReading, view: str) -> None:
    reader = found.readers[0]
    if view == "grid":
        _grid(found)
    else:
        coloured_tokens(
            [
                Token(piece, float(z) if mask == "" else None, _lines(piece, reader, float(score), float(z), str(mask)))
                for piece, score, z, mask in zip(found.pieces, found.scores[0], found.z[0], found.masks[0], strict=True)
            ],
            key="live_tokens",
            label="The text's tokens, coloured by their score",
            low="towards the negatives" if reader.separation is not None else "against the direction",
            high="towards the positives" if reader.separation is not None else "along the direction",
            most=max(2.0, strongest(np.abs(found.z[0][found.masks[0] == ""]).tolist())),
        )
        _whole(found)
    st.caption(_meaning(reader, view))
    if found.cut:
        st.caption(
            f"The last {found.cut:,} tokens of the text are left out: a reading takes {len(found.ids):,} at the most."
        )


def _lines(piece: str, reader: Reader, score: float, z: float, mask: str) -> tuple[str, ...]:
    from core.probing import MASKS

    head = f"“{visible(piece)}”"
    if mask:
        return head, f"Not read: {MASKS[mask]}."
    return head, f"{z:+.2f} standard deviations from the middle", f"raw score {score:+.3g}, layer {reader.layer}"


def _whole(found: TokenReading) -> None:
    reader = found.readers[0]
    left, right = st.columns(2)
    if np.isfinite(found.probability[0]):
        left.metric(
            "Whole text: probability",
            share(float(found.probability[0])),
            help="0 to 1: that the text is a positive, from its mean score over the tokens that count, by a curve "
            "fitted in cross-validation within the training texts (Platt 1999). It holds for texts like those.",
        )
    right.metric(
        "Whole text: score",
        f"{found.text_z[0]:+.2f}",
        help="Mean of the tokens' scores, in the same unit. The mean of many tokens lies nearer to 0 than single "
        f"tokens do{_apart(reader)}.",
    )


def _apart(reader: Reader) -> str:
    apart = reader.separation or 0.0
    return f"; texts of the two classes lie {apart:.2f} apart on average" if apart > 0 else ""


def _grid(found: TokenReading) -> None:
    values = np.where(found.masks == "", found.z, np.nan)[:, :GRID_TOKENS]
    hover = [
        ["\n".join(_lines(p, reader, float(s), float(z), str(m))) for p, s, z, m in zip(*line, strict=True)]
        for reader, *line in zip(
            found.readers,
            [found.pieces[:GRID_TOKENS]] * len(found.readers),
            found.scores[:, :GRID_TOKENS],
            found.z[:, :GRID_TOKENS],
            found.masks[:, :GRID_TOKENS],
            strict=True,
        )
    ]
    figure = heat_map(
        values,
        [str(reader.layer) for reader in found.readers],
        [visible(piece) for piece in found.pieces[:GRID_TOKENS]],
        title="standard deviations",
        hover=hover,
        diverging=True,
        high=max(2.0, strongest(np.abs(values[np.isfinite(values)]).tolist())),
        row_height=16,
    )
    st.plotly_chart(
        figure,
        key="live_grid",
        config={"displayModeBar": False},
        alt="Score of each token at each layer, from blue (towards the negatives) to vermilion (towards the positives)",
    )
    if len(found.pieces) > GRID_TOKENS:
        st.caption(f"The first {GRID_TOKENS} of {len(found.pieces):,} tokens are shown.")


def _meaning(reader: Reader, view: str) -> str:
    """What a colour means, in words."""
    left_out = "Framed by dashes" if view == "tokens" else "Empty cells"
    masked = f"{left_out}: first and special tokens and sinks, which are not read."
    if reader.separation is None:
        return (
            "A token's colour is its score along the direction, in standard deviations from the mean of tokens of 200 "
            f"ordinary texts. {masked}"
        )
    return (
        "A token's colour is its score along the probe, counted from the middle between the classes, in standard "
        "deviations of single tokens within a class, in texts that the probe was not fitted on. "
        f"{_tokens_apart(reader) if view == 'tokens' else 'Each layer has a probe, a middle and a spread of its own'}. "
        f"{masked}"
    )


def _tokens_apart(reader: Reader) -> str:
    apart = reader.separation or 0.0
    if apart <= 0:
        return f"At layer {reader.layer} positives' tokens lie no higher than negatives', so that a token says nothing"
    little = ", so that a single token says little and a run of one colour more" if apart < 1 else ""
    return f"At layer {reader.layer} the classes' tokens lie {apart:.2f} of these apart on average{little}"
