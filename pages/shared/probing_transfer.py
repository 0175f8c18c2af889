"""Transfer: whether a probe of these examples reads others."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.charts import Mark, marks
from core.errors import UserError
from core.probing import ProbeResult, TransferResult, transfer
from core.progress import silent
from pages.shared import cached
from pages.shared.asking import start_button
from pages.shared.downloads import csv_button, file_part
from pages.shared.links import comma, linked
from pages.shared.probing_choices import Choices
from pages.shared.sweeps import method_name
from pages.shared.text import plain, shortened

PREFIX, SHIFTED = "sae-probes/", "sae-probes/shift/"
MOST = 12


def show(choices: Choices, one: ProbeResult) -> None:
    """Choose other sets, and see the probe's score on their held-out texts beside that of their own probe."""
    infos = cached.all_examples()
    others = sorted((id for id in infos if id != choices.concept), key=lambda id: not id.startswith(SHIFTED))
    shifted = choices.concept.replace(PREFIX, SHIFTED, 1)
    targets = linked(
        st.multiselect,
        "Test it on",
        key="onto",
        default=[shifted] if shifted in infos and shifted != choices.concept else [],
        read=lambda text: text.split(","),
        write=comma,
        valid=lambda ids: len(ids) <= MOST and set(ids) <= set(others),
        options=others,
        format_func=lambda id: f"{infos[id].title} · {infos[id].subject}" if id in infos else id,
        max_selections=MOST,
        help="The probe is trained on the chosen concept's training texts, and scored on the held-out texts of these "
        "sets. Sets under a shift (other kinds of texts for the same question) come first.",
    )
    if not targets:
        st.info("Choose one or more sets: another concept, or the same question under a shift.")
        return
    known: dict[str, TransferResult] = {}
    missing: list[str] = []
    for target in targets:
        try:
            found = _known(choices, one, target)
        except UserError as error:
            st.warning(f"{plain(infos[target].title)}: {plain(str(error))}")
            continue
        if found is None:
            missing.append(target)
        else:
            known[target] = found
    if missing:
        titles = ", ".join(shortened(infos[id].title, 40) for id in missing)
        start_button(
            [*choices.one(one.layer, one.method).arguments(), "--transfer", comma(missing)],
            f"Transfer of layer {one.layer} to {titles}",
            f"Not computed yet: {plain(titles)}. Their texts are recorded first, up to {choices.limit:,} of each.",
        )
    if known:
        rows = transfer_marks({infos[id].title: found for id, found in known.items()})
        st.plotly_chart(
            marks(rows),
            key="transfer",
            config={"displayModeBar": False},
            alt="AUROC of this probe on other sets, beside that of the sets' own probes, with 95% intervals",
        )
        st.caption(
            "Each row is a set's held-out texts, read by this probe and by one of the set's own training texts at the "
            "same layer. Below 0.5 the direction is reversed there. Texts that stand in both sets are left out. A "
            "difference has no interval where both probes are perfect."
        )
        table = transfer_table(known)
        st.dataframe(table, hide_index=True, alt="Transfer to each set")
        csv_button(table, f"transfer-{file_part(choices.concept)}-{one.layer}-{one.method}.csv")


def _known(choices: Choices, one: ProbeResult, target: str) -> TransferResult | None:
    source, other = (cached.examples(id, choices.limit) for id in (choices.concept, target))
    found = cached.answer(
        choices.model,
        lambda model: transfer(
            model, source, other, [one.layer], [one.method], pool=choices.pool, seed=choices.seed, progress=silent
        ),
    )
    return None if found is None else found.results[0]


def transfer_marks(found: dict[str, TransferResult]) -> list[Mark]:
    """By title: this probe and the set's own."""
    rows = []
    for title, one in found.items():
        name, about = shortened(title, 40), f"{one.n_test:,} texts, {one.left_out:,} left out as seen in training"
        rows.append(Mark(name, one.auroc, *one.auroc_ci, series="this probe", about=about))
        rows.append(Mark(name, one.reference_auroc, *one.reference_ci, series="the set's own probe"))
    return rows


def transfer_table(found: dict[str, TransferResult]) -> pd.DataFrame:
    """One row per set."""
    return pd.DataFrame(
        {
            "examples": id,
            "layer": one.layer,
            "method": method_name(one.method),
            "auroc": one.auroc,
            "auroc_low": one.auroc_ci[0],
            "auroc_high": one.auroc_ci[1],
            "own_auroc": one.reference_auroc,
            "difference": one.difference,
            "difference_low": one.difference_ci[0] if one.difference_ci else None,
            "difference_high": one.difference_ci[1] if one.difference_ci else None,
            "shuffled_auroc": one.control.auroc,
            "n_test": one.n_test,
            "left_out": one.left_out,
        }
        for id, one in found.items()
    )
