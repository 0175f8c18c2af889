"""The panel that tests chosen concepts."""

from __future__ import annotations

from pages.shared import tcav_cost, tcav_result
from pages.shared.frame import Chosen
from pages.shared.tcav_choices import Choices
from pages.shared.tcav_runs import known_or_run


def show(choices: Choices, chosen: Chosen) -> None:
    """The result, or the way to it."""
    title = chosen.info.title if chosen.info is not None else choices.concepts[0]
    found = known_or_run(
        choices.known,
        choices.arguments(),
        title=f"TCAV of {title} in {choices.model}",
        button="Run the test",
        cost=lambda: tcav_cost.of_test(choices, chosen.layers),
    )
    if found is not None:
        tcav_result.show(choices, found)
