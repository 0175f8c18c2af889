"""Which layer: three measures of where the classes differ most, and whether they agree."""

from __future__ import annotations

import streamlit as st

from core.charts import Measure, measures
from core.probing import LayerChoice, ProbeResult, Sweep, layer_choice, to_plain
from pages.shared import cached
from pages.shared.asking import answered
from pages.shared.downloads import file_part, json_button
from pages.shared.probing_choices import Choices
from pages.shared.sweeps import spoken


def show(choices: Choices, sweep: Sweep, one: ProbeResult) -> None:
    """The measures over the sweep's layers, by the method that is looked at."""
    examples = cached.examples(choices.concept, choices.limit)
    layers = tuple(dict.fromkeys(other.layer for other in sweep.results))
    alone = choices.one(one.layer, one.method)
    found = answered(
        choices.model,
        lambda model, progress: layer_choice(
            model, examples, layers, method=one.method, pool=choices.pool, seed=choices.seed, progress=progress
        ),
        arguments=[*alone.over(choices.layers).arguments(), "--also", "layers"],
        title=f"Layer choice by {spoken(one.method)}",
        cost="Compares all layers of the sweep by three measures. The first time the typical norm of each layer is "
        "taken over 2,000 reference texts, which takes minutes; then it takes about a minute.",
    )
    if found is None:
        return
    st.markdown(sentence(found))
    st.plotly_chart(
        measures([one.layer for one in found.layers], panels(found)),
        key="layer_choice",
        config={"displayModeBar": False},
        alt="Cross-validated AUROC, size of the mean difference and Jensen-Shannon divergence, by layer",
    )
    st.caption(
        "AUROC: cross-validated within the training texts. Mean difference: its length in typical norms of the layer, "
        "less what it has by chance. "
        "Divergence: Jensen-Shannon, bits, between the classes along the difference of means, each text placed by "
        "folds that it was not in; dotted: the same for shuffled labels. None looks at the held-out texts."
    )
    json_button(lambda: to_plain(found), f"layer-choice-{file_part(choices.concept)}-{found.method}.json")


def panels(found: LayerChoice) -> list[Measure]:
    """One panel per measure."""
    names = [one.layer for one in found.layers]
    return [
        Measure("AUROC", [one.cv_auroc for one in found.layers], names.index(found.by_auroc)),
        Measure("mean difference", [one.mean_difference for one in found.layers], names.index(found.by_norm)),
        Measure(
            "divergence",
            [one.js_projection for one in found.layers],
            names.index(found.by_divergence),
            [one.js_chance for one in found.layers],
        ),
    ]


def sentence(found: LayerChoice) -> str:
    """Which layer each names, and how far they go together over the layers."""
    named = f"AUROC names layer **{found.by_auroc}**, the mean difference **{found.by_norm}**, the divergence "
    named += f"**{found.by_divergence}**: "
    named += "they agree." if found.agree else "they do not agree, so the best layer depends on what it is for."
    pairs = ("AUROC with mean difference", "AUROC with divergence", "mean difference with divergence")
    told = [f"{name} {value:+.2f}" for name, value in zip(pairs, found.correlations, strict=True) if value is not None]
    return named + (f" Rank correlations over the layers: {', '.join(told)}." if told else "")
