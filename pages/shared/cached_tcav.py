"""Caches of the TCAV page: control sets, and tests that were taken up again."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.progress import Listener
from pages.shared import cached

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.examples import Examples
    from core.tcav.contributions import Contributions
    from core.tcav.reopening import Reopened
    from pages.shared.tcav_choices import Choices

TESTS = 3  # taken up again; tens of megabytes each
SHARES = 400  # texts whose tokens' shares are kept; kilobytes each


@st.cache_resource(max_entries=4, show_spinner="Reading the control sets …")
def controls(count: int) -> Sequence[Examples]:
    """The bundled sets that stand for other concepts; they never change while the app runs."""
    from core.tcav import open_controls

    return open_controls(count) if count else []


@st.cache_resource(max_entries=1, show_spinner=False)
def _tests() -> OrderedDict[tuple[Any, ...], Reopened]:
    return OrderedDict()


@st.cache_resource(max_entries=1, show_spinner=False)
def _shares() -> OrderedDict[tuple[Any, ...], Contributions]:
    return OrderedDict()


def reopened(choices: Choices, progress: Listener) -> Reopened:
    """The arrays behind a test; one for all sessions, which nobody changes."""
    from core.tcav.reopening import reopen

    opened = cached.model(choices.model)
    asked, how = choices.parts(opened)
    key = _key(choices, opened, asked)
    shelf = _tests()
    if key not in shelf:
        shelf[key] = reopen(opened, *asked, **how, progress=progress)
        while len(shelf) > TESTS:
            shelf.popitem(last=False)
    return shelf[key]


def is_open(choices: Choices) -> bool:
    """Whether the arrays behind a test are in memory, so that nothing has to be read."""
    return any(key[0] == choices for key in _tests())


def shares(
    choices: Choices, target: str, layer: int, concept: int, texts: Sequence[str], progress: Listener
) -> list[Contributions]:
    """Of each text's tokens, in one cell."""
    from core.tcav.contributions import contributions
    from core.tcav.known import known_target

    opened = cached.model(choices.model)
    again = reopened(choices, progress)
    site = choices.layers.index(layer)
    asked, _ = choices.parts(opened)
    start = (*_key(choices, opened, asked), target, layer, concept)
    shelf = _shares()
    missing = [text for text in dict.fromkeys(texts) if (*start, text) not in shelf]
    if missing:
        found = contributions(
            opened,
            known_target(opened, target),
            missing,
            again.sites[site],
            again.cav(concept, site),
            pool=choices.how.pool,
        )
        shelf.update({(*start, text): one for text, one in zip(missing, found, strict=True)})
    wanted = [shelf[(*start, text)] for text in texts]
    while len(shelf) > SHARES:
        shelf.popitem(last=False)
    return wanted


def _key(choices: Choices, opened: Any, asked: tuple[Any, ...]) -> tuple[Any, ...]:
    """What decides the arrays: the choices, and what the names in them stand for now."""
    sets = tuple(one.digest for one in asked[0])
    inputs = hash(asked[2].items)
    other = cached.examples(choices.other, choices.how.limit).digest if choices.other else ""
    return (choices, opened.fingerprint, opened.device.type, opened.dtype_name, sets, inputs, other)
