"""What the linter says, on a page: figures, sentences and the rows they speak of."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from core.examples import Examples, Report
from core.examples.finding import Area, Finding
from core.glossary import defined
from pages.shared.text import plain, shortened

LOOKS = {
    "stop": ("red", ":material/block:", "Cannot be probed"),
    "warning": ("orange", ":material/warning:", "Warning"),
    "note": ("gray", ":material/info:", "Note"),
}
ROWS = 4  # that are shown of a finding
TOP, SHARES = 4, 0.2  # words that are shown: how many, and how far apart their shares must be
AREA_HELP = defined("auroc") + " Near 0 tells the classes apart as well. "


def in_short(report: Report) -> str:
    """`2 warnings, 1 note`, or that there is nothing to say."""
    counts = [
        (len(report.of("stop")), "obstacle"),
        (len(report.of("warning")), "warning"),
        (len(report.of("note")), "note"),
    ]
    told = [f"{number} {word}{'s' * (number != 1)}" for number, word in counts if number]
    return ", ".join(told) or "nothing found that would mislead"


def show(report: Report, examples: Examples, remedies: Mapping[str, Callable[[], None]] | None = None) -> None:
    """Figures, then every finding with what to do about it. remedies: by a check's name, draws a way to do it."""
    figures(report)
    if not report.findings:
        st.caption(":material/check: Nothing was found that would mislead a probe.")
    for number, finding in enumerate(report.findings):
        _finding(finding, examples, number)
        if finding.check in (remedies or {}):
            (remedies or {})[finding.check]()


def figures(report: Report) -> None:
    """What can be told without any model, and how sure a score will be."""
    columns = st.columns(4)
    _area(
        columns[0], "Length alone", report.length, "Score: the number of characters. Above 0.5, positives are longer."
    )
    words_help = "Score: a quick reader of single words, trained on 70% of the texts and tested on the others. "
    _area(
        columns[1], "Single words", report.words, words_help + "A probe has to beat it to say anything about the model."
    )
    _area(columns[2], "A few words", report.few, "The same with only the five words whose shares differ most.")
    columns[3].metric(
        "Expected interval",
        f"±{report.half_width:.2f}",
        help="Half the width of the 95% interval that a probe's AUROC of 0.8 will have, from the number of independent "
        "texts in the test part (Hanley and McNeil 1982). Range 0 to 1; above 0.15 little can be said.",
    )
    top = [share for share in report.top if abs(share.positives - share.negatives) >= SHARES][:TOP]
    if top:
        told = (f"{share.quoted} {share.positives:.0%} against {share.negatives:.0%}" for share in top)
        st.caption(
            f"What differs most, in shares of positives against negatives that have it: {plain(' · '.join(told))}"
        )


def _area(column: st.delta_generator.DeltaGenerator, label: str, area: Area | None, help: str) -> None:
    interval = "" if area is None else f"95% interval {area.low:.2f} to {area.high:.2f}. "
    few = "There are too few independent texts to hold some out. " if area is None else ""
    value = "–" if area is None else f"{area.auroc:.2f}"
    column.metric(label, value, help=f"{AREA_HELP}{help} {interval}{few}")


def _finding(finding: Finding, examples: Examples, number: int) -> None:
    colour, icon, word = LOOKS[finding.severity]
    st.markdown(f":{colour}[{icon} **{word}**] {plain(finding.sentence)}  \n:gray[{plain(finding.remedy)}]")
    if finding.rows:
        key = f"rows_{finding.check}_{number}"
        with st.expander(f"Show rows ({finding.n_rows:,})", key=key, type="compact"):
            for row in finding.rows[:ROWS]:
                sign = "＋" if examples.labels[row] else "－"
                st.text(f"{sign} row {row + 1:,}: {shortened(examples.texts[row], 200)}")
