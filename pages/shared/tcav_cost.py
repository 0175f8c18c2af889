"""How long a test, a scan or a check will take, said before it is started. Rough: within a factor of two or three."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.activations.costs import CHARACTERS_PER_TOKEN, IMAGE_TOKENS, OPENING, forward, tokens_of
from core.tcav.controls import ControlSets
from core.tcav.sources import Labelled, items_of
from pages.shared.tcav_choices import Choices
from pages.shared.text import duration

REFERENCE_TOKENS = 60_000  # 2,000 texts, cut at 64 tokens
BACKWARD = 3  # a forward and a backward pass, in forward passes
DIRECTIONS, DOSES = 20, 4  # random ones that a push is compared with
CELL_SECONDS = 1.5  # permutations, bootstrap and readability of one cell
CONTROL_SECONDS = 0.05  # one control concept at one layer
RUN_SECONDS = 0.15  # one run of a check


def of_test(choices: Choices, n_layers: int | None) -> str:
    """What a test costs if nothing of it is stored yet."""
    how, cells = choices.how, len(choices.concepts) * len(choices.layers) * len(choices.targets)
    examples = sum(_tokens(choices.open_set(id)) for id in choices.concepts)
    examples += _tokens(choices.open_set(choices.other)) if choices.other else 0
    inputs = choices.open_inputs().items
    read = examples + _controls(choices) + (REFERENCE_TOKENS if "lda" in how.kinds else 0)
    pushed = _tokens(inputs) * min(1.0, how.pushed / max(1, len(inputs))) * DOSES
    pushes = pushed * (DIRECTIONS + len(choices.concepts)) * len(choices.layers) * len(choices.targets)
    seconds = OPENING + forward(read, n_layers, max(choices.layers))
    seconds += forward(BACKWARD * _tokens(inputs) * len(choices.targets) + pushes, n_layers, None)
    seconds += CELL_SECONDS * cells + CONTROL_SECONDS * how.controls * len(choices.layers)
    return (
        f"{_counted(choices.concepts, 'concept')}, {_counted(choices.layers, 'layer')} and "
        f"{_counted(inputs, 'input')} take at most roughly {duration(seconds)} on this machine; what is stored is "
        "not read again. You can leave the page meanwhile."
    )


def of_scan(choices: Choices, sets: Sequence[Labelled], n_layers: int | None, layer: int) -> str:
    """What a scan costs if nothing of it is stored yet."""
    read = sum(map(_tokens, sets)) + (REFERENCE_TOKENS if "lda" in choices.how.kinds else 0)
    inputs = _tokens(choices.open_inputs().items)
    seconds = OPENING + forward(read, n_layers, layer) + forward(BACKWARD * inputs, n_layers, None) + 0.5 * len(sets)
    return (
        f"{len(sets)} sets take at most roughly {duration(seconds)} on this machine, and the few that pass every other "
        "question are pushed; what is stored already is not read again. You can leave the page meanwhile."
    )


def of_check(choices: Choices, runs: int, n_layers: int | None, layer: int) -> str:
    """What a check costs if nothing of it is stored yet."""
    examples = _tokens(choices.open_set(choices.concepts[0]))
    read = examples + _controls(choices) + (REFERENCE_TOKENS if "lda" in choices.how.kinds else 0)
    inputs = _tokens(choices.open_inputs().items)
    seconds = OPENING + forward(read, n_layers, layer) + forward(BACKWARD * inputs, n_layers, None)
    seconds += 3 * runs * RUN_SECONDS
    return (
        f"{runs:,} runs of each kind take at most roughly {duration(seconds)} on this machine; what is stored already "
        "is not read again. You can leave the page meanwhile."
    )


def _counted(what: Sequence[Any], name: str) -> str:
    return f"{len(what):,} {name}{'s' * (len(what) != 1)}"


def _tokens(given: Labelled | Sequence[Any]) -> float:
    """Of a set, or of inputs."""
    return tokens_of(given if isinstance(given, Sequence) else items_of(given))


def _controls(choices: Choices) -> float:
    if choices.kind == "image":
        return IMAGE_TOKENS * 900.0  # all controls are made of these drawings
    controls = choices.controls()
    if isinstance(controls, ControlSets):
        return controls.characters / CHARACTERS_PER_TOKEN
    return sum(map(_tokens, controls))
