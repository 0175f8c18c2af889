"""The steps of the tour: a question, one sentence that says what to look at, one picture, and what it found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core import first_concept
from core.charts import Line, null_bars
from core.concept.figures import QUANTITIES, bars_of, doses_drawn, sweep_figure
from core.concept.telling import summary
from core.glossary import TERMS, defined
from core.tcav.telling import figures
from pages.shared import tour_turn
from pages.shared.cached import tour_windows
from pages.shared.frame import go_to
from pages.shared.tcav_words import LOOKS, meaning, target_name
from pages.shared.text import plain, verbatim
from pages.shared.tokens import Token, coloured_tokens, visible

if TYPE_CHECKING:
    from core.tour import Tour, Window

CONFIG = {"displayModeBar": False}
BROWSED = 420  # pixels for the coloured words, which is what they take on a wide screen
HERE = {"model": first_concept.MODEL, "concept": first_concept.EXAMPLES, "layer": str(first_concept.LAYER)}


@dataclass(frozen=True)
class Step:
    """name: on its tab. short: on the buttons that lead to it. question: above it. look: what to look at. words: of
    the glossary, that it uses."""

    name: str
    short: str
    question: str
    look: str
    draw: Callable[[Tour], None]
    words: tuple[str, ...] = ()


def show(tour: Tour, name: str) -> None:
    """One step."""
    step = STEPS[name]
    st.header(step.question, anchor=False)
    if step.look:
        st.markdown(f":material/visibility: **Look at** {step.look}")
    step.draw(tour)
    if step.words:
        with st.expander("Words used here", icon=":material/menu_book:"):
            st.markdown("\n".join(f"- **{TERMS[word].name}**: {defined(word)}" for word in step.words))


def _probe(tour: Tour) -> None:
    st.plotly_chart(
        sweep_figure(tour.sweep),
        key="tour_probe",
        config=CONFIG,
        alt="AUROC of probes for positive sentiment by layer, with the shuffled control and text baselines",
    )
    st.markdown(plain(summary("readable", tour.sweep.to_json())))
    go_to("probing", "Open the Probing page", icon=":material/query_stats:", primary=False, **HERE)


def _test(tour: Tour) -> None:
    cells = tour.cells
    if not cells:
        st.info("This test is not among the results that came along; the TCAV page runs it in some minutes.")
    else:
        st.plotly_chart(
            null_bars(
                bars_of(cells, [tour.titles[cell["concept"]] for cell in cells]),
                title="mean cosine of gradient and CAV",
            ),
            key="tour_test",
            config=CONFIG,
            alt="Mean cosines of three concepts with 95% intervals, in front of what dealing the labels anew gives",
        )
        own = next(cell for cell in cells if cell["concept"] == first_concept.EXAMPLES)
        icon, color = LOOKS[own["verdict"]]
        st.badge(own["verdict"], icon=icon, color=color)  # type: ignore[arg-type]
        st.markdown(f"{plain(meaning(own['verdict']))} {plain(figures(own))}.")
    go_to("tcav", "Open the TCAV page", icon=":material/verified:", primary=False, **HERE)


def _browse(tour: Tour) -> None:
    windows = tour_windows()
    carried = tour.carried
    best = carried["best"]
    if windows:
        most = max(abs(window.value) for window in windows)
        with st.container(height=BROWSED, border=False):  # it is drawn late, and what stands below must not move away
            coloured_tokens(
                [token for window in windows for token in _tokens(window)],
                key="tour_browse",
                label=f"Where feature {best['feature']} is on most, tokens coloured by its code",
                low="0",
                high=f"{most:.3g}",
                most=most,
                breaks=False,
            )
    else:
        st.info("The texts that the feature is on at are not at hand; `make setup` fetches them.")
    reached = tour.sweep.best.auroc
    spread = (
        " So no single feature of this dictionary is the concept."
        if best["auroc"] < reached - 0.1
        else " So this one feature all but is the concept."
    )
    others = ", ".join(
        f"{one['feature']} {visible(one['label']) if one['label'] else 'without a label'} ({one['auroc']:.2f})"
        for one in carried["features"]
        if one["feature"] != best["feature"]
    )
    st.markdown(plain(f"{summary('carried', carried)} The probe of step 1 reaches {reached:.2f}.{spread}"))
    st.caption(f"After it come: {plain(others)}.")
    here = {"dictionary": carried["dictionary"], "feature": str(best["feature"])}
    go_to("features", "Open the Features page", icon=":material/hub:", primary=False, **HERE, **here)


def _tokens(window: Window) -> list[Token]:
    return [
        Token(
            text,
            value,
            (f"“{visible(text)}”", "not read" if value is None else f"code {value:.3g}"),
            head=f"{window.value:.3g} · {window.set}, row {window.row}" if place == 0 else "",
            strong=place == window.centre,
        )
        for place, (text, value) in enumerate(zip(window.texts, window.values, strict=True))
    ]


def _steer(tour: Tour) -> None:
    columns = st.columns(len(tour.written), border=True)
    for column, one in zip(columns, tour.written, strict=True):
        column.markdown(f"**Pushed, dose {one.dose:+g}**".replace("-", "−") if one.dose else "**Plain**")
        column.markdown(f":gray[{verbatim(first_concept.PROMPT)}]{verbatim(one.text)}")
    heading, help = QUANTITIES["measure"]
    st.markdown(f"**{heading}, over doses**", help=help)
    st.plotly_chart(
        doses_drawn([Line(**line) for line in tour.pushed["lines"]["measure"]], "measure"),
        key="tour_steer",
        config=CONFIG,
        alt="What an independent judge says of the texts, by dose: the direction beside random directions",
    )
    st.markdown(plain(summary("pushed", {"results": [None] * tour.pushed["texts"], **tour.pushed})))
    here = {"from": "saved", "direction": first_concept.DIRECTION} if first_concept.has_direction() else {}
    go_to("steering", "Push it yourself", icon=":material/tune:", primary=False, **HERE, dose="-0.5", **here)


STEPS: dict[str, Step] = {
    "probe": Step(
        "1 · Probe",
        "probe",
        "Where can it be read from the model's activations?",
        "how far a curve stands above the dashed lines and the grey band: what the words alone, the first block and "
        "shuffled labels would score. A probe is a direction in the activations of one layer, found from film "
        "reviews that are labelled good or bad, and tried on reviews that it has not seen.",
        _probe,
        ("activation", "layer", "probe", "auroc", "shuffled labels"),
    ),
    "test": Step(
        "2 · Test",
        "test",
        "Does the model's own answer depend on it?",
        "which bars leave the grey cloud, which is what chance gives. The answer is "
        f"*{target_name(first_concept.TARGET)}* as the next word; beside sentiment stand two concepts that are as easy "
        "to read and have nothing to do with praise.",
        _test,
        ("cav", "sign score", "mean cosine", "adjusted p", "specificity", "push rank"),
    ),
    "browse": Step(
        "3 · Browse",
        "browse",
        "Which part of the model carries it?",
        "the coloured words: where, in all kinds of texts, one *feature* of a dictionary is on most. Of all its "
        "features this one tells good reviews from bad ones best, alone; then compare its score with the probe's.",
        _browse,
        ("dictionary", "feature", "code", "auroc"),
    ),
    "steer": Step(
        "4 · Steer",
        "steer",
        "What happens when it is pushed?",
        "where the texts part, and whether the line of the direction climbs with the dose while random directions of "
        "the same length stay flat.",
        _steer,
        ("direction", "difference of means", "dose", "perplexity"),
    ),
    "yours": Step("Your turn", "your turn", "Your turn", "", tour_turn.show),
}
