"""The views of a concept as the Concept page draws them: one sentence, one chart, and the way to the full page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from core.charts import cosine_map, null_bars
from core.charts.heat import inert
from core.concept.figures import QUANTITIES, around_figure, bars_of, dose_figure, measured, sweep_figure
from core.concept.telling import summary
from pages.shared import steering_sweep, tcav_verdicts
from pages.shared.concept_choices import Choices
from pages.shared.features_concept import AUROC_HELP
from pages.shared.frame import go_to
from pages.shared.links import comma
from pages.shared.sweeps import strongest_sentence
from pages.shared.text import duration, plain
from pages.shared.tokens import visible

if TYPE_CHECKING:
    from core.concept import View

CONFIG = {"displayModeBar": False}
FEATURES = 8  # of those ranked, as many as fit beside a chart


def show(choices: Choices, view: View, title: str) -> None:
    """One view with its title, whether it is there or not."""
    with st.container(border=True):
        st.subheader(view.part.title, anchor=view.part.name)
        if view.state == "missing":
            st.caption(f"Not computed yet: roughly {duration(view.seconds)}.")
            return
        if view.state != "there":
            st.caption(plain(view.why))
            return
        st.caption(view.part.watch)
        _DRAWN[view.part.name](choices, view.found, title)


def not_here(views: Sequence[View]) -> None:
    """Those that do not apply, each with its reason: together, so that they take no more room than they deserve."""
    reasons: dict[str, list[str]] = {}
    for view in views:
        reasons.setdefault(view.why, []).append(view.part.title)
    for why, titles in reasons.items():
        st.caption(plain(f"{' · '.join(titles)} {why}"))


def _readable(choices: Choices, found: Any, title: str) -> None:
    st.markdown(strongest_sentence(found))
    st.plotly_chart(
        sweep_figure(found),
        key="concept_readable",
        config=CONFIG,
        alt="AUROC of probes by layer, with the shuffled control and text baselines",
    )
    go_to("probing", "All about its probes", icon=":material/query_stats:", primary=False, **_same(choices))


def _used(choices: Choices, found: Any, title: str) -> None:
    cells = list(found.results)
    tcav_verdicts.show(cells, {choices.concept: title})
    st.plotly_chart(
        null_bars(
            bars_of(cells, [f"layer {cell['layer']}" for cell in cells]), title="mean cosine of gradient and CAV"
        ),
        key="concept_used",
        config=CONFIG,
        alt="Mean cosines with 95% intervals, in front of the distribution that dealing the labels anew gives",
    )
    sizes = choices.sizes
    how = {"cavs": "diffmean", "others": str(sizes.controls), "pushes": str(sizes.pushed), "asked": str(sizes.inputs)}
    asked = {"with": ",", "at": comma(cell["layer"] for cell in cells), "panel": "test"}
    if choices.kind == "text":
        asked |= {"answer": choices.target, "inputs": "same"}
    else:
        asked |= {"class": choices.target, "pictures": choices.inputs or "same"}
    go_to("tcav", "All about this test", icon=":material/verified:", primary=False, **_same(choices), **asked, **how)


def _carried(choices: Choices, found: Any, title: str) -> None:
    st.markdown(plain(summary("carried", found.to_json())))
    rows = found.result["features"][:FEATURES]
    number = st.column_config.NumberColumn
    cosines = list(rows[0]["cosines"]) if rows else []
    st.dataframe(
        pd.DataFrame(
            {
                "feature": [one["feature"] for one in rows],
                "label": [visible(one["label"]) for one in rows],
                "strongest at": [visible(one["example"]) for one in rows],
                "AUROC": [one["auroc"] for one in rows],
                "interval": [f"{one['interval'][0]:.2f} to {one['interval'][1]:.2f}" for one in rows],
                **{f"cosine: {name}": [one["cosines"][name] for one in rows] for name in cosines},
            }
        ),
        hide_index=True,
        column_config={
            "feature": number("feature", format="%d", help="Its number in the dictionary"),
            "AUROC": number("AUROC", format="%.3f", help=AUROC_HELP),
            "interval": st.column_config.TextColumn(help="95%, by bootstrap of held-out texts"),
            **{
                f"cosine: {name}": number(
                    format="%.2f", help="Cosine, −1 to 1, of what the feature writes with this direction"
                )
                for name in cosines
            },
            "strongest at": st.column_config.TextColumn(
                width=220, help="The token, in brackets, on which the feature is strongest in the index's corpus"
            ),
        },
        alt="The best features for this concept",
    )
    best = str(found.result["best"]["feature"])
    here = {"dictionary": found.dictionary, "features": "concept", "feature": best}
    go_to("features", "All about its features", icon=":material/hub:", primary=False, **_same(choices), **here)


def _pushed(choices: Choices, found: Any, title: str) -> None:
    st.markdown(plain(summary("pushed", found.to_json())))
    sweep = found.sweep
    shown = [name for name in ("measure", "perplexity") if measured(sweep, name)]
    for column, name in zip(st.columns(max(1, len(shown))), shown, strict=False):
        with column:
            heading, help = QUANTITIES[name]  # type: ignore[index]
            st.markdown(f"**{heading}**", help=help)
            st.plotly_chart(
                dose_figure(sweep, name),  # type: ignore[arg-type]
                key=f"concept_{name}",
                config=CONFIG,
                alt=f"{heading} over dose: the direction with its 95% interval, random directions",
            )
    steering_sweep.samples(sweep)
    for note in found.notes:
        st.caption(plain(note))
    here = {"from": "concept", "method": "diffmean", "dose": "0.3"}
    go_to("steering", "Push it yourself", icon=":material/tune:", primary=False, **_same(choices), **here)


def _related(choices: Choices, found: Any, title: str) -> None:
    st.markdown(plain(summary("related", found.to_json())))
    if (figure := around_figure(found, "this concept")) is not None:
        st.plotly_chart(
            figure,
            key="concept_around",
            config=CONFIG,
            alt="Map of this concept's directions among other concepts, saved directions and the nearest features",
        )
        st.caption(
            "UMAP by cosine: who is near to whom tells something, how far groups lie apart hardly anything. A saved "
            "direction stands between the three points that it is nearest to."
        )
    if found.around.concepts:
        _entangled(found)
    if len(found.names) > found.own:
        st.plotly_chart(
            cosine_map([inert(name) for name in found.names], found.cosines),
            key="concept_related",
            config=CONFIG,
            alt="Cosines between the concept's directions and saved ones at this layer",
        )
    go_to(
        "library",
        "All saved directions",
        icon=":material/menu_book:",
        primary=False,
        **_same(choices),
        view="directions",
    )


def _entangled(found: Any) -> None:
    concepts = found.around.concepts
    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(
            {
                "other concept": [visible(one.name) for one in concepts],
                "cosine": [one.cosine for one in concepts],
                "read by this": [one.reads for one in concepts],
                "reads this": [one.read_by for one in concepts],
                "left out": [one.shared for one in concepts],
            }
        ),
        hide_index=True,
        height=210,
        column_config={
            "cosine": number(
                format="%.2f",
                help="Of the two differences of means, −1 to 1; 95% of pairs of others are smaller than "
                f"{found.around.typical:.2f}."
                if found.around.typical is not None
                else "−1 to 1",
            ),
            "read by this": number(
                format="%.2f",
                help="AUROC with which this concept's direction tells the other's classes: 0.5 where it cannot, below "
                "where it takes one class for the other",
            ),
            "reads this": number(
                format="%.2f", help="AUROC with which the other's direction tells this concept's classes"
            ),
            "left out": number(
                help="Texts of the other's that are among this concept's examples too, and were left out of all three"
            ),
        },
        alt="Other concepts by how much they are entangled with this one",
    )


def _stable(choices: Choices, found: Any, title: str) -> None:
    splits, halves, layers = st.columns(3)
    splits.metric(
        "AUROC over splits",
        f"{min(found.aurocs):.2f} to {max(found.aurocs):.2f}",
        help=f"Of the probe at layer {found.layer}, 0 to 1, over {len(found.aurocs)} ways to part training from test.",
    )
    low, high = found.by_chance
    halves.metric(
        "Agreement of halves",
        f"{sum(found.halves) / len(found.halves):.2f}",
        help="Cosine, −1 to 1, between the differences of means of two halves of the examples, whole groups; mean over "
        f"as many splits. Labels dealt anew give {low:.2f} to {high:.2f}.",
    )
    choice = found.choice
    named = (choice.by_auroc, choice.by_norm, choice.by_divergence)
    layers.metric(
        "Layer by three measures",
        ", ".join(map(str, named)),
        help="Strongest by AUROC (cross-validated), by the distance of the class means in typical norms, and by the "
        "divergence of the classes' positions along it.",
    )
    st.caption(plain(summary("stable", _plain(found))))
    go_to(
        "probing", "Compare layers and splits", icon=":material/balance:", primary=False, **_same(choices), ask="layers"
    )


def _plain(found: Any) -> dict[str, Any]:
    from core.probing import to_plain

    return to_plain(found)


def _same(choices: Choices) -> dict[str, str]:
    """The choices that go along."""
    concept = {"concept": choices.concept} if choices.kind == "text" else {"images": choices.concept}
    return {"model": choices.model, "layer": str(choices.layer), **concept}


_DRAWN: dict[str, Callable[[Choices, Any, str], None]] = {
    "readable": _readable,
    "used": _used,
    "carried": _carried,
    "pushed": _pushed,
    "related": _related,
    "stable": _stable,
}
