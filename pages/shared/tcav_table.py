"""All numbers of a test or a scan as a table, each column with its definition."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.tcav.telling import Cell
from pages.shared.tcav_words import (
    AUROC_HELP,
    COSINE_HELP,
    DERIVATIVE_HELP,
    P_HELPS,
    PUSH_HELP,
    RANK_HELP,
    SCORE_HELP,
    SPECIFICITY_HELP,
    Z_HELP,
    target_name,
)

PLAIN = (
    *("rank", "concept", "target", "layer", "verdict", "score", "score_ci", "mean_cosine", "mean_cosine_ci", "z", "p"),
    *("p_adjusted", "specificity", "push_effect", "push_rank", "mean_derivative", "mean_derivative_ci"),
    *("auroc", "auroc_ci", "auroc_p", "cav", "n_positives", "n_negatives", "n_inputs"),
)
HELP = {
    "rank": "Place by the size of the mean cosine, 1 the largest",
    "concept": "Id of the set whose positives it is",
    "target": "What the model is asked",
    "layer": "The residual stream after this block, counted from 0",
    "verdict": "The answers put together: read, beyond chance, beyond other concepts, acting",
    "score": SCORE_HELP,
    "mean_cosine": COSINE_HELP,
    "mean_derivative": DERIVATIVE_HELP,
    "z": Z_HELP,
    "p": "As adjusted p, but for this cell alone: the larger z among the kinds of CAV",
    "specificity": SPECIFICITY_HELP,
    "push_effect": PUSH_HELP,
    "push_rank": RANK_HELP,
    "auroc": AUROC_HELP,
    "auroc_p": "Chance of so good a reading if labels meant nothing, 0 to 1: dealt anew within folds",
    "cav": "Kind of CAV whose scores these are",
    "n_positives": "Positives that were used",
    "n_negatives": "Negatives that were used",
    "n_inputs": "Inputs that were used",
}


def table_of(cells: Sequence[Cell]) -> pd.DataFrame:
    """One row per cell; an interval is two columns."""
    rows = []
    for cell in cells:
        row = {}
        for key in PLAIN:
            if key not in cell:
                continue
            if key.endswith("_ci"):
                row[key.replace("_ci", "_low")], row[key.replace("_ci", "_high")] = cell[key]
            else:
                row[key] = cell[key]
        rows.append(row)
    return pd.DataFrame(rows)


def show_table(table: pd.DataFrame, correction: str, *, height: int = 360) -> None:
    """The table, each column with its definition and range. correction: "holm" or "bh", of the adjusted p."""
    meanings = {**HELP, "p_adjusted": P_HELPS[correction]}
    shown = table.assign(target=[target_name(spec) for spec in table["target"]])
    config = {}
    for name in shown.columns:
        title = name.replace("_", " ").replace("auroc", "AUROC")
        start = name.removesuffix("_low").removesuffix("_high")
        if start != name:
            side = "Lower" if name.endswith("_low") else "Upper"
            config[name] = st.column_config.NumberColumn(
                "from" if side == "Lower" else "to", help=f"{side} end of its 95% interval", format=_format(start)
            )
        elif shown[name].dtype == object:
            config[name] = st.column_config.TextColumn(title, help=meanings.get(name))
        else:
            whole = name in {"rank", "layer", "push_rank", "n_positives", "n_negatives", "n_inputs"}
            config[name] = st.column_config.NumberColumn(
                title, help=meanings.get(name), format="%d" if whole else _format(name)
            )
    st.dataframe(shown, hide_index=True, height=height, column_config=config, alt="All numbers of the test")


def _format(name: str) -> str:
    """Fixed digits for what lies between bounds; else what is small would read as 0."""
    return "%.3g" if name in {"p", "p_adjusted", "auroc_p", "push_effect", "mean_derivative"} else "%.4g"
