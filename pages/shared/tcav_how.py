"""How a test is made: kinds of CAV, sizes, permutations, controls, pushes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from core.first_concept import INPUTS, LIMIT
from core.tcav import KINDS as CAV_KINDS
from pages.shared.links import comma, linked
from pages.shared.tcav_choices import KINDS, How

if TYPE_CHECKING:
    from core.activations import Pool

POOLS: dict[Pool, str] = {"mean": "mean over tokens", "last": "last token"}
CORRECTIONS = {"holm": "no false alarm at all (Holm)", "bh": "few among those found (Benjamini–Hochberg)"}


def ask_how(kind: str) -> tuple[How, str]:
    """Draw the choices; with them the mark at which inputs are read. kind: "text" or "image"."""
    one, two, three, four = st.columns(4)
    with one:
        limit = _number("Examples of each set", "rows", LIMIT, 8, 100_000, 100, "At most so many rows of each concept, "
                        "the classes in proportion, the same ones each time.")  # fmt: skip
    with two:
        inputs_limit = _number("Inputs", "asked", INPUTS, 4, 10_000, 10, "At most so many inputs. Each costs a forward "
                               "and a backward pass.")  # fmt: skip
    with three:
        controls = _number("Control concepts", "others", 60, 0, 113, 10, "Bundled sets that stand for other "
                           "concepts: those with the shortest texts, 120 rows each. 40 at the least.")  # fmt: skip
    with four:
        pushed = _number("Inputs that are pushed", "pushes", 32, 0, 1_000, 8, "On so many inputs real pushes are "
                         "measured, along the CAV and 20 random directions, at four doses. 0: none.")  # fmt: skip
    kinds = tuple(
        linked(
            st.pills,
            "Kinds of CAV that the test looks at",
            key="cavs",
            default=list(KINDS),
            read=lambda text: text.split(","),
            write=comma,
            valid=lambda names: bool(names) and set(names) <= set(CAV_KINDS),
            options=list(CAV_KINDS),
            selection_mode="multi",
            format_func=lambda name: CAV_KINDS[name].title,
            help="p is of the larger z among them.  \n"
            + "  \n".join(f"**{kind.title}**: {kind.help}" for kind in CAV_KINDS.values()),
        )
    )
    left, middle, right = st.columns(3)
    with left:
        cav = linked(
            st.selectbox,
            "Kind that is shown",
            key="cav",
            default=kinds[0],
            valid=kinds.__contains__,
            options=list(kinds),
            format_func=lambda name: CAV_KINDS[name].title,
            help="Whose scores, specificity and pushes are shown.",
        )
        pool: Pool = "mean"
        if kind == "text":
            pool = linked(
                st.selectbox,
                "One activation per text",
                key="pooled",
                default="mean",
                valid=POOLS.__contains__,
                options=list(POOLS),
                format_func=POOLS.__getitem__,
                help="The gradient is summed over exactly the tokens that are pooled, which is where a push acts too. "
                "First and special tokens and sinks are left out.",
            )
    with middle:
        permutations = _number("Permutations", "dealt", 999, 19, 20_000, 500, "Labels are dealt anew so often, at the "
                               "least; with more than 5 concepts more.")  # fmt: skip
        seed = _number("Seed", "tcav_seed", 0, 0, 2**31 - 1, 1, "Of permutations, folds, resamples and random "
                       "directions.")  # fmt: skip
    with right:
        correction = linked(
            st.selectbox,
            "Over several concepts",
            key="correction",
            default="holm",
            valid=CORRECTIONS.__contains__,
            options=list(CORRECTIONS),
            format_func=CORRECTIONS.__getitem__,
            help="How p is adjusted. Holm: over concepts, after layers, answers and kinds of CAV, by the largest z of "
            "them. Benjamini–Hochberg: over all cells, concepts times layers times answers, each with its own p; so "
            "that one alone can be found, labels are dealt 20 times as often as there are cells.",
        )
        mark = ""
        if kind == "text":
            mark = linked(
                st.text_input,
                "Read the answer before",
                key="mark",
                default="",
                max_chars=40,
                placeholder="the end of each input",
                help="Each input is cut where this mark first stands in it, and the answer is what comes next there.",
            )
    how = How(kinds, cav, pool, correction, permutations, seed, controls, pushed, limit, inputs_limit)
    return how, mark


def _number(label: str, key: str, default: int, low: int, high: int, step: int, help: str) -> int:
    def valid(number: Any) -> bool:
        return isinstance(number, int) and low <= number <= high

    return linked(
        st.number_input,
        label,
        key=key,
        default=default,
        read=int,
        valid=valid,
        min_value=low,
        max_value=high,
        step=step,
        help=help,
    )
