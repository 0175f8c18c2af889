"""What one probe gets wrong, how far its probabilities can be trusted, and for which kinds of texts it works."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.charts import Line, Mark, Said, lines, marks, reliability
from core.examples import Examples
from core.probing import Calibration, Details, Errors, ProbeResult, Subgroups, probe_details
from core.stats.told import percent
from pages.shared import cached
from pages.shared.asking import answered
from pages.shared.downloads import csv_button, file_part
from pages.shared.links import linked
from pages.shared.probing_choices import Choices
from pages.shared.sweeps import spoken
from pages.shared.text import plain, shortened, verbatim

PAGE = 10  # texts at a time
LONGEST = 1200  # characters of a text that are shown
KINDS = {"all": "All", "alarms": "Negatives taken for positive", "missed": "Positives missed"}


def _details(choices: Choices, one: ProbeResult) -> Details | None:
    examples = cached.examples(choices.concept, choices.limit)
    return answered(
        choices.model,
        lambda model, progress: probe_details(
            model, examples, one.layer, one.method, pool=choices.pool, seed=choices.seed, progress=progress
        ),
        arguments=[*choices.one(one.layer, one.method).arguments(), "--also", "details"],
        title=f"Details of layer {one.layer}, {spoken(one.method)}",
        quick=True,
    )


def errors(choices: Choices, one: ProbeResult) -> None:
    """The held-out texts that were misread, the surest first."""
    found = _details(choices, one)
    if found is None:
        return
    examples, wrong = cached.examples(choices.concept, choices.limit), found.errors
    st.markdown(errors_sentence(wrong))
    if not wrong.rows:
        return
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    with left:
        kind = linked(
            st.segmented_control,
            "Which",
            key="errors",
            default="all",
            valid=KINDS.__contains__,
            options=list(KINDS),
            format_func=KINDS.__getitem__,
            required=True,
            label_visibility="collapsed",
        )
    wanted = {"all": (0, 1), "alarms": (0,), "missed": (1,)}[kind]
    rows = [row for row in wrong.rows if row.label in wanted]
    pages = max(1, -(-len(rows) // PAGE))
    with right:
        page = linked(
            st.number_input,
            f"Page of {pages}",
            key="errors_page",
            default=1,
            read=int,
            valid=lambda number: isinstance(number, int) and 1 <= number <= pages,
            min_value=1,
            max_value=pages,
        )
    for row in rows[(page - 1) * PAGE : page * PAGE]:
        _misread(examples, row.row, row.label, row.confidence)
    csv_button(errors_table(wrong, examples), f"errors-{file_part(choices.concept)}-{found.layer}-{found.method}.csv")


def errors_sentence(wrong: Errors) -> str:
    """How many, and of which kind."""
    if not wrong.rows:
        return f"None of the {wrong.n_test:,} held-out texts was misread."
    return (
        f"**{len(wrong.rows):,} of {wrong.n_test:,}** held-out texts were misread: {wrong.missed:.0%} of the positives "
        f"were missed ({wrong.false_negatives:,}), {wrong.false_alarms:.0%} of the negatives were taken for positive "
        f"({wrong.false_positives:,}). The surest mistakes come first; some of them are wrong labels."
    )


def _misread(examples: Examples, row: int, label: int, confidence: float) -> None:
    names = (examples.negative_name, examples.positive_name)
    said, true = names[1 - label], names[label]
    with st.container(border=True):
        left, right = st.columns([1, 4])
        left.metric(
            "Confidence",
            percent(confidence),
            help="The calibrated probability of the class that it was taken for, 50 to 100%.",
        )
        right.caption(f"Taken for {plain(said)}, labelled {plain(true)} · row {row + 1:,}")
        right.markdown(verbatim(_cut(examples.texts[row])))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST].rstrip() + " …"


def errors_table(wrong: Errors, examples: Examples) -> pd.DataFrame:
    """One row per misread text."""
    return pd.DataFrame(
        {
            "row": one.row + 1,
            "label": one.label,
            "probability": one.probability,
            "confidence": one.confidence,
            "text": examples.texts[one.row],
        }
        for one in wrong.rows
    )


def calibration(choices: Choices, one: ProbeResult) -> None:
    """Reliability diagram, calibration error against what chance alone gives, and the cost of each threshold."""
    found = _details(choices, one)
    if found is None:
        return
    fit = found.calibration
    st.markdown(calibration_sentence(fit))
    left, right = st.columns(2, gap="large")
    with left:
        st.plotly_chart(
            reliability(
                [Said(b.probability, b.positives, *b.interval, b.rows, (b.low, b.high)) for b in fit.bins],
            ),
            key="reliability",
            config={"displayModeBar": False},
            alt="Said probability against the share of positives, in ten bins, with 95% intervals",
        )
        st.caption("Points on the dashed line are honest. Whiskers: 95% intervals (Wilson). Bars: how many texts.")
    with right:
        _thresholds(fit)
    columns = st.columns(3)
    columns[0].metric(
        "Calibration error (ECE)",
        f"{fit.ece:.3f}",
        help="Mean over texts of |share of positives - mean probability| in ten equal bins, 0-1 (Naeini et al. 2015). "
        f"Exactly right probabilities would give {fit.ece_expected:.3f} on average with so few texts.",
    )
    columns[1].metric(
        "Brier score",
        f"{fit.brier:.3f}",
        help="Mean squared error of the probability; 0 is best, .25 is what one half for every text gives.",
    )
    columns[2].metric(
        "Log loss",
        f"{fit.log_loss:.3f} bits",
        help=f"Bits per text that the labels take, given the probabilities; {fit.base_bits:.3f} without any.",
    )


def calibration_sentence(fit: Calibration) -> str:
    """Whether the error is more than chance gives."""
    sound = fit.ece <= fit.ece_highest
    return (
        f"Expected calibration error **{fit.ece:.3f}** on {fit.n_test:,} held-out texts. Probabilities that are "
        f"exactly right would show {fit.ece_expected:.3f} on average and up to {fit.ece_highest:.3f} in 19 of 20 "
        + (
            "cases, so nothing speaks against taking these at their word."
            if sound
            else "cases, so **these are off**: read them as ranks."
        )
    )


def _thresholds(fit: Calibration) -> None:
    cuts = [cut.probability for cut in fit.cuts]
    nearest = min(cuts, key=lambda cut: abs(cut - fit.threshold))
    threshold = linked(
        st.select_slider,
        "Called positive above a probability of",
        key="cut",
        default=nearest,
        read=float,
        write=lambda value: f"{value:g}",
        valid=cuts.__contains__,
        options=cuts,
        help=f"Accuracy in training was best at {fit.threshold:.2f}.",
    )
    chosen = next(cut for cut in fit.cuts if cut.probability == threshold)
    columns = st.columns(3)
    precision = "none called" if chosen.precision is None else f"{chosen.precision:.2f}"
    columns[0].metric("Precision", precision, help="Share of those called positive that are, 0-1.")
    columns[1].metric("Recall", f"{chosen.recall:.2f}", help="Share of the positives that are called so, 0-1.")
    columns[2].metric("False alarms", f"{chosen.false_alarms:.2f}", help="Share of the negatives called positive, 0-1.")
    st.plotly_chart(
        lines(
            [
                Line("Precision", cuts, [cut.precision for cut in fit.cuts]),
                Line("Recall", cuts, [cut.recall for cut in fit.cuts]),
                Line("False alarms", cuts, [cut.false_alarms for cut in fit.cuts]),
            ],
            x_title="threshold",
            y_title="share",
            at=threshold,
            ends=(-0.02, 1.02),
            height=230,
        ),
        key="thresholds",
        config={"displayModeBar": False},
        alt="Precision, recall and false alarms by threshold",
    )


def subgroups(choices: Choices, one: ProbeResult) -> None:
    """Scores of each kind of text, and whether they differ from the rest."""
    found = _details(choices, one)
    if found is None:
        return
    kinds = found.subgroups
    if kinds is None or not kinds.kinds:
        st.info(
            "These examples name no kinds of texts. Upload a file with a column of kinds (such as a dialect or a "
            "source) and choose it as the column of subgroups: then each kind's score stands here beside the others'."
        )
        return
    left, right = st.columns(2, gap="large")
    for column, key, title, rows, nothing in (
        (left, "subgroup_scores", "AUROC within the kind", subgroup_marks(kinds), 0.5),
        (right, "subgroup_differences", "AUROC minus that of all other texts", difference_marks(kinds), 0.0),
    ):
        with column:
            if rows:
                st.plotly_chart(
                    marks(rows, title=title, nothing=nothing),
                    key=key,
                    config={"displayModeBar": False},
                    alt=f"{title}, with 95% intervals, for each kind of text",
                )
    st.caption(
        "95% intervals by bootstrap of groups, differences from joint resamples. Where an interval of a difference "
        "leaves out 0, the probe reads that kind better or worse than the rest; with many kinds one in twenty does so "
        "by chance. There is no interval where both are perfect."
    )
    table = subgroup_table(kinds)
    st.dataframe(table, hide_index=True, alt="Scores by kind of text")
    csv_button(table, f"subgroups-{file_part(choices.concept)}-{found.layer}-{found.method}.csv")
    if kinds.unnamed:
        st.caption(f"{kinds.unnamed:,} held-out texts have no kind; they count among “all other” alone.")


def subgroup_marks(kinds: Subgroups) -> list[Mark]:
    """AUROC of each kind in which it can be told."""
    return [
        Mark(shortened(kind.value, 30), kind.auroc, *_ends(kind.interval), about=f"{kind.rows:,} texts")
        for kind in kinds.kinds
        if kind.auroc is not None
    ]


def _ends(interval: tuple[float, float] | None) -> tuple[float | None, float | None]:
    return interval or (None, None)


def difference_marks(kinds: Subgroups) -> list[Mark]:
    """The same minus that of all others."""
    return [
        Mark(shortened(kind.value, 30), kind.difference, *_ends(kind.difference_interval))
        for kind in kinds.kinds
        if kind.difference is not None
    ]


def subgroup_table(kinds: Subgroups) -> pd.DataFrame:
    """One row per kind."""
    return pd.DataFrame(
        {
            kinds.name: kind.value,
            "texts": kind.rows,
            "positives": kind.positives,
            "auroc": kind.auroc,
            "auroc_low": kind.interval[0] if kind.interval else None,
            "auroc_high": kind.interval[1] if kind.interval else None,
            "difference": kind.difference,
            "difference_low": kind.difference_interval[0] if kind.difference_interval else None,
            "difference_high": kind.difference_interval[1] if kind.difference_interval else None,
            "accuracy": kind.accuracy,
            "called_positive": kind.called_positive,
        }
        for kind in kinds.kinds
    )
