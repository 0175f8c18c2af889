"""What is asked of a sweep: its choices on the page, and the command line that they come to."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import first_concept
from pages.shared.hardware import as_arguments
from pages.shared.links import linked
from pages.shared.steering_generation import choose_targets

MOST_DOSES = 40
DOSES = "-0.75,-0.5,-0.25,0,0.25,0.5,0.75"


def choose_sweep(known: dict[str, Any]) -> dict[str, Any]:
    """The widgets, within a form. known: the saved directions by name."""
    left, middle, right = st.columns(3)
    with left:
        name = linked(
            st.selectbox,
            "Saved direction",
            key="direction",
            default=first_concept.DIRECTION if first_concept.DIRECTION in known else next(iter(known)),
            always=True,
            valid=known.__contains__,
            options=list(known),
            help="Directions are kept in the workspace under a name; the Playground can save one.",
        )
        doses = linked(
            st.text_input,
            "Doses",
            key="doses",
            default=DOSES,
            help="In units of the typical norm, with commas; 0 is always there.",
        )
        targets = choose_targets("sweep_targets")
    with middle:
        controls = linked(
            st.number_input,
            "Random directions",
            key="controls",
            default=5,
            read=int,
            valid=lambda value: isinstance(value, int) and 0 <= value <= 50,
            min_value=0,
            max_value=50,
            help="Of the same length at the same doses: what a push does that means nothing. 20 make a test at 5%.",
        )
        tokens = linked(
            st.number_input,
            "New tokens per text",
            key="sweep_tokens",
            default=24,
            read=int,
            valid=lambda value: isinstance(value, int) and 4 <= value <= 200,
            min_value=4,
            max_value=200,
        )
    with right:
        layers = linked(
            st.text_input,
            "Layers",
            key="sweep_layers",
            default="",
            placeholder="its own",
            help="Several, such as 8,11,14, to compare what the push does at each; the direction is made anew there.",
        )
        instruction = linked(
            st.text_input,
            "In words",
            key="instruction",
            default="",
            placeholder="such as: Be positive.",
            help="A control without any push: the same prompts after these words.",
        )
    return {
        "name": name,
        "doses": doses,
        "controls": controls,
        "tokens": tokens,
        "layers": layers.strip(),
        "instruction": instruction.strip(),
        "targets": targets,
    }


def arguments_of(model: str, choices: dict[str, Any], *, judged: bool) -> list[str]:
    """The command line of the sweep. Raises UserError for what cannot be swept."""
    from core.steering import parse_targets

    targets = parse_targets(choices["targets"])
    given = ["steer", model, "--direction", choices["name"], f"--doses={_with_zero(choices['doses'])}"]
    given += ["--prompts", "neutral", "--temperature", "0.7", "--top-p", "0.95"]
    given += ["--max-new-tokens", str(choices["tokens"])]
    given += ["--controls", str(choices["controls"])] if choices["controls"] else []
    given += ["--layers", choices["layers"]] if choices["layers"] else []
    given += [f"--instruction={choices['instruction']}"] if choices["instruction"] else []
    given += [f"--targets={','.join(targets)}"] if targets else []
    given += ["--judge", "own"] if judged else []
    return given + as_arguments()


def _with_zero(doses: str) -> str:
    """The doses as they were typed, and 0. Raises UserError for what is no dose."""
    from core.errors import UserError
    from core.steering import check_dose

    parts = [part.strip() for part in doses.split(",") if part.strip()]
    for part in parts:
        try:
            value = float(part)
        except ValueError:
            raise UserError(f"Doses are numbers such as {DOSES}, not {part[:40]!r}.") from None
        check_dose(value)
    if len(parts) > MOST_DOSES:
        raise UserError(f"{len(parts)} doses are more than {MOST_DOSES}; take fewer.")
    return ",".join(parts if any(float(part) == 0 for part in parts) else [*parts, "0"])


def cost_of(arguments: list[str]) -> str:
    """How much it writes, in a sentence."""
    n_doses = arguments[4].count(",") + 1
    controls = int(arguments[arguments.index("--controls") + 1]) if "--controls" in arguments else 0
    layers = arguments[arguments.index("--layers") + 1].count(",") + 1 if "--layers" in arguments else 1
    n = 20 * layers * (n_doses + controls * (n_doses - 1))
    return f"{n:,} texts are written and judged; what was written before is not written again."
