"""The library's panel of directions: all that are saved, how they lie to one another, and what they speak for."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from pages.shared.cached_directions import promoted_words
from pages.shared.downloads import csv_button
from pages.shared.errors import mendable
from pages.shared.frame import Chosen, go_to
from pages.shared.kept_directions import export_button, offer_undo, rename_and_delete
from pages.shared.links import choose, linked
from pages.shared.methods import method_title
from pages.shared.new_directions import combine_form, import_form
from pages.shared.sweeps import AUROC_HELP
from pages.shared.text import plain, shortened

if TYPE_CHECKING:
    from core.directions import Direction

MOST = 60  # directions on a heat map


def panel(chosen: Chosen) -> None:
    """All saved directions; one of them looked into; their cosines and words; ways to have more."""
    from core.directions import list_directions

    offer_undo()
    found = list_directions()
    if not found:
        st.info(
            "No direction is saved yet. Try one on the Steering page and press **Save this direction**, or open a file "
            "below."
        )
        go_to("steering", "Make a direction", icon=":material/tune:", primary=True)
    else:
        _table(found)
        _look_into(found)
    with st.expander("Combine directions", icon=":material/function:"), mendable():
        combine_form(found)
    with st.expander("Open a file", icon=":material/upload_file:"), mendable():
        import_form(chosen)


def _table(found: list[Direction]) -> None:
    st.caption("Click the box before a row (by keys: Shift and Space) to look into a direction.")
    table = pd.DataFrame(
        {
            "name": [one.name for one in found],
            "model": [shortened(one.model_id, 60) for one in found],
            "layer": [one.layer for one in found],
            "method": [method_title(one.method) for one in found],
            "from": [shortened(one.origin, 120) for one in found],
            "AUROC": [one.auroc for one in found],
            "interval": ["" if one.interval is None else "{:.3f} to {:.3f}".format(*one.interval) for one in found],
            "raw norm": [one.raw_norm for one in found],
            "site": [one.site for one in found],
            "made": [_when(one.created) for one in found],
        }
    )
    key = f"directions_{len(found)}_{found[0].name}"  # a new list begins without a chosen row

    def look() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            choose("looked", found[rows[0]].name)

    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    st.dataframe(
        table,
        key=key,
        hide_index=True,
        height=min(360, 38 + 35 * len(found)),
        on_select=look,
        selection_mode="single-row",
        column_config={
            "name": text("name", help="Under which it is kept; its name on the command line"),
            "model": text("model", help="A direction belongs to one model, and means nothing in another"),
            "layer": number("layer", help="Block of the model, counted from 0"),
            "site": text("site", help="Where in the model it can be read or pushed: module and side"),
            "method": text("method", help="How it was made"),
            "from": text("from", help="From what it was made: examples, words, models, other directions or a file"),
            "AUROC": number("AUROC", help=AUROC_HELP + " Empty where there are no labels.", format="%.3f"),
            "interval": text("interval", help="95% interval of the AUROC: bootstrap of the held-out texts"),
            "raw norm": number(
                "raw norm",
                help="Length before it was scaled to 1, above 0, in units of its method: activations for a difference "
                "of means, logits per unit of activation for weights. Not comparable between methods.",
                format="%.3g",
            ),
            "made": st.column_config.DatetimeColumn("made", help="When, in this machine's time"),
        },
        alt="Saved directions",
    )
    csv_button(table, "directions.csv")


def _look_into(found: list[Direction]) -> None:
    known = {one.name: one for one in found}
    name = linked(
        st.selectbox,
        "Look into",
        key="looked",
        default=found[0].name,
        always=True,
        valid=known.__contains__,
        options=list(known),
    )
    one = known[name]
    st.header(plain(one.name), anchor=False)
    st.caption(
        f"{plain(method_title(one.method))} · {plain(shortened(one.origin, 300))} · {plain(one.site)} of "
        f"{plain(shortened(one.model_id, 80))}"
    )
    with st.container(horizontal=True):
        saved = {"from": "saved", "direction": one.name}
        go_to("steering", "Steer with this", icon=":material/tune:", primary=True, model=one.model_id, **saved)
        export_button(one)
        rename_and_delete(one)
    _numbers(one)
    kin = [other for other in found if (other.model_fingerprint, other.width) == (one.model_fingerprint, one.width)]
    words, cosines = st.tabs(["What they speak for", "How they lie to one another"], on_change="rerun", key="kin")
    if words.open:
        with words, mendable():
            _words(one, kin)
    if cosines.open:
        with cosines:
            _cosines(kin)
    with st.expander("Provenance: everything that is known of it"):
        st.json(one.to_json(), expanded=2)


def _numbers(one: Direction) -> None:
    """AUROC where there is one, and the checks that its method made."""
    columns = st.columns(4)
    if one.auroc is not None:
        between = f"95% interval {one.interval[0]:.3f} to {one.interval[1]:.3f}. " if one.interval else ""
        columns[0].metric("AUROC, held out", f"{one.auroc:.3f}", help=between + AUROC_HELP)
    for place, check in enumerate(one.checks, start=1 if one.auroc is not None else 0):
        ends = "" if check.interval is None else f" 95% interval {check.interval[0]:.3g} to {check.interval[1]:.3g}."
        chance = "" if check.chance is None else f" By chance {check.chance[0]:.2g} to {check.chance[1]:.2g}."
        columns[place % 4].metric(plain(check.title), f"{check.value:.3g}", help=plain(check.help + ends + chance))
    if one.auroc is None and not one.checks:
        st.caption(f"How well it does was not measured. {plain(shortened(one.note, 300))}")


def _words(one: Direction, kin: list[Direction]) -> None:
    """Words that the directions of this model promote and suppress."""
    shown = kin[:MOST] if one in kin[:MOST] else [one, *kin[: MOST - 1]]
    streams = [other for other in shown if not other.site.endswith(" input")] or shown
    found = promoted_words(one.model_id, streams)
    st.dataframe(
        pd.DataFrame(
            {
                "name": [other.name for other in streams],
                "layer": [other.layer for other in streams],
                "promotes": ["  ".join(word.text for word in words.promoted) for words in found],
                "suppresses": ["  ".join(word.text for word in words.suppressed) for words in found],
            }
        ),
        hide_index=True,
        column_config={
            "promotes": st.column_config.TextColumn("promotes", help=WORDS_HELP.format("raises")),
            "suppresses": st.column_config.TextColumn("suppresses", help=WORDS_HELP.format("lowers")),
        },
        alt="Words that directions promote and suppress",
    )


WORDS_HELP = (
    "Next words whose logits a small push {} most, strongest first, if nothing stood between this layer and the "
    "unembedding (logit lens, with the final norm's gain folded in). Telling for late layers; for early ones what "
    "stands between may make something else of it."
)


def _cosines(kin: list[Direction]) -> None:
    from core.charts import cosine_map
    from core.directions import cosines

    if len(kin) < 2:
        st.info("There is one direction of this model and width; cosines take two.")
        return
    shown = sorted(kin, key=lambda one: (one.layer, one.name))[:MOST]
    st.plotly_chart(
        cosine_map([f"{one.name} · {one.layer}" for one in shown], cosines(shown)),
        key="cosines",
        config={"displayModeBar": False},
        alt="Cosines between the directions of this model",
    )
    width = shown[0].width
    st.caption(
        f"Cosine, -1 to 1, by name and layer. Between random directions of width {width:,} it has mean 0 and standard "
        f"deviation 1/√{width:,} = {width**-0.5:.3f}, so that 95% lie within ±{1.96 * width**-0.5:.3f}. Layers share "
        "axes only loosely: a cosine between far layers says less."
        + (f" The first {MOST} of {len(kin)} are shown." if len(kin) > MOST else "")
    )


def _when(created: str | None) -> datetime | None:
    try:
        return None if created is None else datetime.fromisoformat(created).astimezone().replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
