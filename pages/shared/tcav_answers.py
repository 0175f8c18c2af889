"""The model's answer on the TCAV page: next words against others, or classes by their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from core import first_concept
from core.errors import UserError
from pages.shared import cached_tcav
from pages.shared.frame import Chosen
from pages.shared.links import linked
from pages.shared.tcav_words import CLASS, CLASS_HELP, TARGET_HELP, TARGETS

MOST_TARGETS = 3
FIRST_CLASS = f"{CLASS}zebra"


def choose_answers(chosen: Chosen, most: int) -> tuple[str, ...]:
    """Draw the choice of up to `most` targets. Raises UserError for what is no answer of a model."""
    names = cached_tcav.class_names(chosen.model, chosen.kind)
    if names:
        options = of_classes(names)
        usual = FIRST_CLASS if FIRST_CLASS in options else next(iter(options))
        found = _choose("class", options, usual, CLASS_HELP)
        return tuple(dict.fromkeys(as_class(spec) for spec in found))[:most]
    found = _choose("answer", TARGETS, first_concept.TARGET, TARGET_HELP)
    for spec in found:
        sides = spec.split("|")
        if not spec.startswith(CLASS) and (len(sides) != 2 or not all(side.strip(" ,") for side in sides)):
            raise UserError(f"An answer is two sets of next words such as {first_concept.TARGET}, not {spec!r}.")
    return tuple(found)[:most]


def _choose(key: str, options: Mapping[str, str], usual: str, help: str) -> list[str]:
    chosen: list[str] = linked(
        st.multiselect,
        "The model's answer",
        key=key,
        default=[usual],
        read=lambda text: [spec for spec in text.split(";") if spec],
        write=lambda specs: ";".join(specs),
        valid=lambda specs: bool(specs) and len(list(specs)) <= MOST_TARGETS,
        options=list(options),
        format_func=lambda spec: options.get(spec, spec),  # what was typed comes back as it was written
        accept_new_options=True,
        max_selections=MOST_TARGETS,
        help=help,
    )
    return chosen


def of_classes(names: Sequence[str]) -> dict[str, str]:
    """By target, what a list shows: the class's name; its number too where another class has the same name."""
    times = Counter(names)
    return {
        f"{CLASS}{name}" if times[name] == 1 else f"{CLASS}{number}": name if times[name] == 1 else f"{name} ({number})"
        for number, name in enumerate(names)
    }


def as_class(spec: str) -> str:
    """A target of what was chosen or typed: `zebra`, `340` and `zebra|horse` are classes as well."""
    # Without blanks: an address may hold some, and results are found by the target's name.
    return CLASS + "|".join(part.strip() for part in spec.strip().removeprefix(CLASS).split("|"))
