"""How a sweep of probes is shown: as a curve, a sentence and a table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.concept.figures import method_name
from core.examples.finding import plural
from core.glossary import defined

if TYPE_CHECKING:
    from core.probing import Sweep

AUROC_HELP = f"{defined('auroc')} Measured on the 30% of texts that the probe was not trained on."
ACCURACY_HELP = (
    "Share of held-out texts told right, 0 to 1, at the threshold that was best in training. Always naming the larger "
    "class gives the baseline beside it."
)
SELECTIVITY_HELP = defined("selectivity")
CODELENGTH_HELP = defined("code length")
COMPRESSION_HELP = defined("compression")


def spoken(method: str) -> str:
    """A method's name within a sentence: a small first letter, but for PCA and the like."""
    name = method_name(method)
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def strongest_sentence(sweep: Sweep) -> str:
    """Where the concept is read best, how that was chosen, and what it compares with."""
    best = sweep.best
    low, high = best.auroc_ci
    words = next((one for one in sweep.baselines if one.name == "tfidf"), None)
    beside = "" if words is None else f"; the words alone, without a model, reach {words.auroc:.2f}"
    if words is not None and words.lead_ci is not None:
        beside += " (the probe lies {:+.2f} to {:+.2f} above them on the same texts)".format(*words.lead_ci)
    return (
        f"Strongest at **layer {best.layer}** ({spoken(best.method)}): AUROC **{best.auroc:.3f}** "
        f"(95% interval {low:.3f} to {high:.3f}) on {best.n_test:,} held-out texts, where guessing gives 0.5 and "
        f"shuffled labels {best.shuffled.auroc:.2f}{beside}. The layer was chosen by cross-validation within the "
        f"{best.n_train:,} training texts; the held-out texts had no say."
    )


def sinks_sentence(sinks: Mapping[int, int]) -> str:
    """Where rows were shortened. sinks: how many, by layer, at least one layer."""
    first, last, most = min(sinks), max(sinks), max(sinks.values())
    where = f"At layer {first}" if first == last else f"Between layers {first} and {last}"
    rows = plural(most, "text") if len(sinks) == 1 else f"up to {plural(most, 'text')}"
    return f"{where} the activation of {rows} is a sink's, over 5 times as long as the median, and was shortened to it."


def sweep_table(sweep: Sweep) -> pd.DataFrame:
    """One row per layer and method."""
    return pd.DataFrame(
        {
            "layer": one.layer,
            "method": one.method,
            "auroc": one.auroc,
            "auroc_low": one.auroc_ci[0],
            "auroc_high": one.auroc_ci[1],
            "accuracy": one.accuracy,
            "cv_auroc": one.cv_auroc,
            "shuffled_auroc": one.shuffled.auroc,
            "random_auroc": one.random.auroc,
            "selectivity": math.nan if one.control_task is None else one.control_task.selectivity,
            "codelength_bits": math.nan if one.codelength is None else one.codelength.bits,
            "compression": math.nan if one.codelength is None else one.codelength.compression,
            "seeds_lowest": min(one.seed_aurocs, default=one.auroc),
            "seeds_highest": max(one.seed_aurocs, default=one.auroc),
            "n_train": one.n_train,
            "n_test": one.n_test,
        }
        for one in sweep.results
    )


def show_table(table: pd.DataFrame) -> None:
    """The table of a sweep, each column with its definition."""
    number = st.column_config.NumberColumn
    st.dataframe(
        table,
        hide_index=True,
        height=360,
        column_config={
            "layer": number("layer", help="Block of the model, counted from 0"),
            "method": st.column_config.TextColumn("method", help="How the direction is found that is read along"),
            "auroc": number("AUROC", help=AUROC_HELP, format="%.3f"),
            "auroc_low": number("from", help="Lower end of the 95% interval: bootstrap of groups", format="%.3f"),
            "auroc_high": number("to", help="Upper end of the 95% interval: bootstrap of groups", format="%.3f"),
            "accuracy": number(
                "accuracy",
                help="Share of held-out texts told right, 0 to 1, at a threshold from training",
                format="%.3f",
            ),
            "cv_auroc": number(
                "AUROC, inner", help="Cross-validated in the training part; chooses the layer", format="%.3f"
            ),
            "shuffled_auroc": number("shuffled", help="Control: trained on shuffled labels; about 0.5", format="%.3f"),
            "random_auroc": number("random", help="Control: random directions, mean AUROC", format="%.3f"),
            "selectivity": number("selectivity", help=SELECTIVITY_HELP, format="%.3f"),
            "codelength_bits": number("code length", help=CODELENGTH_HELP, format="%.0f bits"),
            "compression": number("compression", help=COMPRESSION_HELP, format="%.2f"),
            "seeds_lowest": number("splits from", help="Lowest AUROC over the splits", format="%.3f"),
            "seeds_highest": number("splits to", help="Highest AUROC over the splits", format="%.3f"),
            "n_train": number("train", help="Texts that the probe was trained on"),
            "n_test": number("test", help="Held-out texts that it was scored on"),
        },
        alt="Scores by layer and method",
    )
