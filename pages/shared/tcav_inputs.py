"""The inputs behind a cell: those that most support and most oppose, their tokens coloured by contribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from core import jobs
from core.progress import Progress
from core.tcav.telling import Cell, signed
from pages.shared import cached_tcav, tcav_pictures
from pages.shared.downloads import csv_button, file_part
from pages.shared.errors import mendable
from pages.shared.tcav_choices import Choices
from pages.shared.tcav_words import target_name
from pages.shared.text import plain
from pages.shared.tokens import Token, coloured_tokens, strongest, visible

if TYPE_CHECKING:
    from core.progress import Listener
    from core.tcav.contributions import Contributions

EACH = 4  # inputs of either kind


def show(choices: Choices, cell: Cell) -> None:
    """Draw them, or the way to them where the model would have to read first."""
    st.subheader("The inputs behind it", anchor=False)
    job = jobs.find(jobs.job_id(choices.arguments()))
    if not (job is not None and job.state == "done") and not cached_tcav.is_open(choices):
        with (place := st.empty()).container():
            st.caption("The model reads the inputs and examples again, where they are not stored: seconds to minutes.")
            if not st.button("Show the inputs", icon=":material/play_arrow:", key="tcav_behind"):
                return
        place.empty()
    with mendable():
        bar = st.empty()
        found, order = _read(choices, cell, listener(bar))
        bar.empty()
        _columns(choices, cell, found, order)


def listener(bar: st.delta_generator.DeltaGenerator) -> Listener:
    """Draws progress in `bar`."""

    def draw(moment: Progress) -> None:
        share = moment.done / moment.total if moment.total else 0.0
        note = moment.note[:1].upper() + moment.note[1:]
        bar.progress(min(1.0, share), f"{plain(note)}: {moment.done:,} of {moment.total:,} {moment.unit}")

    return draw


def _read(choices: Choices, cell: Cell, progress: Listener) -> tuple[pd.DataFrame, list[list[Any]]]:
    """All inputs with their derivatives, the strongest first; and shares of those at either end.

    Shares are Contributions of tokens, or ConceptMaps of images.
    """
    again = choices.reopened(progress)
    concept, site = choices.concepts.index(cell["concept"]), choices.layers.index(cell["layer"])
    derivatives = again.derivatives(concept, site, cell["target"])
    order = np.argsort(-derivatives, kind="stable")
    table = pd.DataFrame(
        {
            "input": [item if isinstance(item := again.items[row], str) else item.name for row in order],
            "derivative": derivatives[order],
            "value": np.asarray(again.values[cell["target"]])[order],
        }
    )
    few = min(EACH, len(order) // 2)
    ends = [*order[:few], *order[::-1][:few]]
    flat = cached_tcav.shares(
        choices, cell["target"], cell["layer"], concept, [again.items[row] for row in ends], progress
    )
    return table, [flat[:few], flat[few:]]


def _columns(choices: Choices, cell: Cell, table: pd.DataFrame, ends: list[list[Any]]) -> None:
    answer = plain(target_name(cell["target"]))
    titles = [
        f"Most support: the concept raises “{answer}”, or lowers it least",
        f"Most oppose: it lowers “{answer}”, or raises it least",
    ]
    if choices.kind == "image":
        few = len(ends[0])
        names = [table["input"][:few].tolist(), table["input"][::-1][:few].tolist()]
        tcav_pictures.show(ends, names, titles)
    else:
        _texts(ends, titles)
    csv_button(table, f"tcav-inputs-{file_part(cell['concept'])}-{cell['layer']}.csv", label="All inputs as CSV")


def _texts(ends: list[list[Contributions]], titles: list[str]) -> None:
    values = np.concatenate([np.abs(one.values[np.isfinite(one.values)]) for end in ends for one in end])
    most = strongest(values.tolist())
    for column, name, end in zip(
        st.columns(2, gap="large"),
        titles,
        ends,
        strict=True,
    ):
        with column:
            st.markdown(f"**{name}**")
            for place, one in enumerate(end):
                _one(one, most, key=f"{name[:12]}_{place}", legend=place == 0)
    st.caption(
        "A token's colour: how fast the answer grows (vermilion) or falls (blue) when the concept is added at this "
        "token alone; together they are the input's derivative. It says what a push here would do, not what the word "
        "itself did: in a language model later tokens, through which everything passes, weigh more. Framed by dashes: "
        "first and special tokens and sinks, which are not pooled."
    )


def _one(one: Contributions, most: float, *, key: str, legend: bool) -> None:
    coloured_tokens(
        [
            Token(piece, float(value) if np.isfinite(value) else None, _lines(piece, float(value)))
            for piece, value in zip(one.pieces, one.values, strict=True)
        ],
        key=f"tcav_tokens_{key}",
        label="The input's tokens, coloured by their share of the derivative",
        low="lowers the answer" if legend else "",
        high="raises it" if legend else "",
        most=most,
    )
    st.caption(f"derivative {signed(one.derivative, 3)} · answer now {signed(one.value)}")


def _lines(piece: str, value: float) -> tuple[str, ...]:
    head = f"“{visible(piece)}”"
    if not np.isfinite(value):
        return head, "Not pooled: first or special token, or a sink."
    return head, f"{signed(value, 4)} per unit of activation"
