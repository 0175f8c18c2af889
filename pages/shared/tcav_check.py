"""Check my test: how often it finds something where there is nothing, and where there is something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from core.charts import Mark, marks
from core.stats.shares import share_interval
from core.tcav import KINDS
from core.tcav.specificity import FEWEST
from pages.shared import cached_tcav, tcav_cost
from pages.shared.downloads import file_part, json_button
from pages.shared.frame import Chosen
from pages.shared.hardware import as_arguments
from pages.shared.links import linked
from pages.shared.tcav_choices import Choices
from pages.shared.tcav_figure import figure_config
from pages.shared.tcav_runs import known_or_run

if TYPE_CHECKING:
    from core.models import AnyModel, ImageModel

LEVEL = 0.05
WIDE = 0.1  # an interval of this width holds tests that are right and others that are not
RATE_HELP = (
    "Share of runs in which a random set, drawn from the pool against the rest of it, was called significant (p up to "
    "0.05), 0 to 1. It should be 0.05. Interval: Clopper and Pearson, 95%."
)
PLANTED_HELP = (
    "Share of runs in which a concept that can be read, but was shifted across all gradients so that nothing depends "
    "on it, was called supported, 0 to 1. It should be at most 0.05."
)
POWER_HELP = "Share of runs in which the real concept, against the pool, had p up to 0.05, 0 to 1. High is good."


def show(choices: Choices, chosen: Chosen) -> None:
    """How to check, and what came out."""
    st.caption(
        "Draws random sets as if they were concepts, plants concepts that can be read but that nothing depends on, and "
        "draws the sidebar's concept, each against a pool of negatives. A test that can be trusted finds 5% of the "
        "first, at most 5% of the second, and most of the third."
    )
    infos = choices.infos
    patches = {} if choices.kind == "text" else cached_tcav.pools()
    one, two, three = st.columns([2, 1, 1])
    with one:
        pool = linked(
            st.selectbox,
            "Pool of negatives",
            key="check_pool",
            default=next(iter(patches), chosen.concept),
            valid=lambda id: id in patches or id in infos,
            options=[*patches, *infos],
            format_func=lambda id: (
                patches.get(id) or (f"{infos[id].title} · {infos[id].negative_name}" if id in infos else id)
            ),
            help="Random sets are drawn from the negatives of this set.",
        )
    with two:
        size = _number("Rows of each class", "check_size", 50, 4, 5_000, "Positives, and negatives, of every run.")
    with three:
        runs = _number("Runs of each kind", "check_runs", 400, 20, 10_000, "More runs, narrower intervals.")
    layer = choices.layers[0]
    found = known_or_run(
        lambda: cached_tcav.answer(
            choices.model, choices.kind, lambda model: _check(choices, pool, size, runs, layer, model)
        ),
        _arguments(choices, pool, size, runs, layer),
        title=f"Check of the TCAV test in {choices.model}",
        button="Check my test",
        cost=lambda: tcav_cost.of_check(choices, runs, chosen.layers, layer),
    )
    if found is not None:
        _result(found, choices)


def _number(label: str, key: str, default: int, low: int, high: int, help: str) -> int:
    return linked(
        st.number_input,
        label,
        key=key,
        default=default,
        read=int,
        valid=lambda number: isinstance(number, int) and low <= number <= high,
        min_value=low,
        max_value=high,
        step=10,
        help=help,
    )


def _arguments(choices: Choices, pool: str, size: int, runs: int, layer: int) -> list[str]:
    how = choices.how
    words = ["tcav", "calibrate", choices.model, "--negatives", pool, "--concept", choices.concepts[0]]
    words += ["--layers", str(layer), "--runs", str(runs), "--size", str(size), *choices.asked()]
    words += ["--limit", str(how.limit)]
    for name, default in (("controls", 60), ("pushed", 32)):
        words += [f"--{name}", str(getattr(how, name))] if getattr(how, name) != default else []
    return [*words, *as_arguments()]


def _check(
    choices: Choices, pool: str, size: int, runs: int, layer: int, model: AnyModel | ImageModel
) -> dict[str, Any]:
    from core.tcav import Reading, check
    from core.tcav.known import known_target
    from core.tcav.sources import pool_of

    how = choices.how
    return check(
        model,
        pool_of(choices.open_set(pool)),
        [known_target(model, choices.targets[0])],
        choices.open_inputs(),
        [layer],
        concept=choices.open_set(choices.concepts[0]),
        settings=how.settings(),
        reading=Reading(how.pool),
        controls=choices.controls(),
        pushed=how.pushed,
        runs=runs,
        size=size,
        compute=False,
    )


def _result(found: dict[str, Any], choices: Choices) -> None:
    st.markdown(sentence(found))
    if choices.how.controls < FEWEST or not choices.how.pushed:
        st.caption(
            f"Without {FEWEST} control concepts and real pushes nothing can be called supported, so that it is not "
            "tested how often planted concepts are."
        )
    st.plotly_chart(
        marks(rows(found), title="share of runs", nothing=LEVEL, ends=(-0.02, 1.02)),
        key="check_marks",
        config=figure_config("tcav-check"),
        alt="Shares of runs in which the test found something, with 95% intervals; the line is 5%",
    )
    columns = st.columns(3)
    for column, label, key, help in (
        (columns[0], "False positives", "false_positive_rate", RATE_HELP),
        (columns[1], "Planted, supported", "supported_orthogonal", PLANTED_HELP),
        (columns[2], "Power", "power", POWER_HELP),
    ):
        if found[key] is not None:
            low, high = interval(found[key], found["runs"])
            between = f"{low:.1%} to {high:.1%}"
            column.metric(label, f"{found[key]:.1%}", between, delta_color="off", delta_arrow="off", help=help)
    asks_more = ", which is why a verdict asks for more than p" if found["planted_found"] > LEVEL else ""
    st.caption(
        f"{found['runs']:,} runs of each kind, {found['size']} against {found['size']} rows. Line: 5%. Planted "
        f"concepts were read with AUROC {found['planted_auroc']:.2f}; p alone was up to 0.05 in "
        f"{found['planted_found']:.1%} of them{asks_more}."
    )
    json_button(lambda: found, f"tcav-check-{file_part(choices.concepts[0])}.json")


def interval(share: float, runs: int) -> tuple[float, float]:
    """95%, of a share of so many runs."""
    return share_interval(round(share * runs), runs)


def sentence(found: dict[str, Any]) -> str:
    """Whether the test holds its level."""
    low, high = interval(found["false_positive_rate"], found["runs"])
    holds = low <= LEVEL <= high
    count = round(found["false_positive_rate"] * found["runs"])
    said = (
        f"Of {found['runs']:,} random sets the test called **{count}** significant: "
        f"**{found['false_positive_rate']:.1%}** ({low:.1%} to {high:.1%}), where 5% is right. "
    )
    if holds and high - low > WIDE:
        return said + ":blue[:material/info:] Nothing speaks against its level, but so few runs say little: use 400."
    if holds:
        return said + ":green[:material/check:] It holds its level here."
    if high < LEVEL:
        return said + ":blue[:material/info:] It finds less than it might: it is on the safe side here."
    return said + ":orange[:material/warning:] It finds too much here: do not trust small p-values for these choices."


def rows(found: dict[str, Any]) -> list[Mark]:
    """The figure's rows."""
    runs = found["runs"]

    def mark(row: str, share: float, *, control: bool = False) -> Mark:
        return Mark(row, share, *interval(share, runs), control=control, about=f"of {runs:,} runs")

    made = [mark("Random sets: p ≤ .05", found["false_positive_rate"])]
    by_kind = found["by_kind"] if len(found["by_kind"]) > 1 else {}  # a single kind is the test itself
    made += [mark(f"… by {plain_title(name)} alone", share, control=True) for name, share in by_kind.items()]
    if found["supported_orthogonal"] is not None:
        made.append(mark("Planted: supported", found["supported_orthogonal"]))
    made.append(mark("Planted: p ≤ .05", found["planted_found"], control=True))
    if found["power"] is not None:
        made.append(mark("The concept: p ≤ .05", found["power"]))
        made += [
            mark(f"… by {plain_title(name)} alone ", share, control=True)
            for name, share in (found["power_by_kind"] or {}).items()
            if by_kind
        ]
    return made


def plain_title(name: str) -> str:
    """A kind of CAV within a sentence."""
    title = KINDS[name].title
    return title if title[1:2].isupper() or title.startswith("Shrinkage") else title[:1].lower() + title[1:]
