"""What is done to the activations: one intervention in plain sight, and as many more as one likes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.glossary import defined
from pages.shared.directions import choose_direction
from pages.shared.errors import mendable
from pages.shared.frame import Chosen
from pages.shared.links import choose, comma, exact, keep, linked, linked_text, remembered
from pages.shared.text import plain

if TYPE_CHECKING:
    from core.steering import Part, Source, When

# Names as they stand in the URL; the same as the fields of core.steering.Positions.
POSITIONS = {
    "prompt": "Prompt",
    "first": "First new token",
    "later": "Later tokens",
    "special": "First and special",
}
DEFAULT_POSITIONS = ("prompt",)
MOST = 8  # interventions at once
PROMPT_CHARACTERS = 4000
DOSES, ABOVE = (-1.0, 1.0), (-100.0, 100.0)  # from, to
TIERS = {"": "Always", "input": "In inputs that show it", "token": "On tokens that show it"}
TURNS = {"": "All of the prompt", "user": "What the user said", "assistant": "What the assistant said"}


def choose_dose(suffix: str = "") -> float:
    low, high = DOSES
    return linked(
        st.slider,
        "Dose",
        key=f"dose{suffix}",
        default=0.5,
        read=float,
        write=exact,
        valid=lambda value: isinstance(value, float) and low <= value <= high,
        min_value=low,
        max_value=high,
        step=0.05,
        help=f"{defined('dose')} {defined('typical norm')} Positive doses push towards the positives of the concept, "
        "negative away from them. For operators that take a share, the share: 1 is all of it.",
    )


def choose_positions(suffix: str = "") -> tuple[str, ...]:
    return tuple(
        linked(
            st.pills,
            "Tokens that are pushed",
            key=f"positions{suffix}",
            default=list(DEFAULT_POSITIONS),
            read=lambda text: text.split(","),
            write=comma,
            valid=lambda names: bool(names) and set(names) <= set(POSITIONS),
            options=list(POSITIONS),
            format_func=POSITIONS.__getitem__,
            selection_mode="multi",
            help="Pushing the prompt alone sets the course and leaves the text fluent. Pushing the generated tokens "
            "too is stronger, and breaks the text sooner. The prompt's special tokens and its first token hold no "
            "meaning, and are left alone unless you add them.",
        )
    )


def choose_part(
    chosen: Chosen, source: Source | None, dose: float, positions: tuple[str, ...], *, suffix: str = "", chat: bool
) -> Part | None:
    """The rest of an intervention, below its dose and tokens: operator, layers, range of tokens, condition."""
    from core.steering import OPERATORS, Part

    left, middle, right = st.columns(3)
    with left:
        operator = linked(
            st.selectbox,
            "What is done",
            key=f"operator{suffix}",
            default="add",
            valid=OPERATORS.__contains__,
            options=list(OPERATORS),
            format_func=lambda name: OPERATORS[name].title,
            help="h is the activation of a token, v the unit direction, p = h · v what is read along it, c = dose × "
            "typical norm, s or a = the dose.  \n"
            + "  \n".join(f"**{one.title}**: {plain(one.formula)}. {one.help}" for one in OPERATORS.values()),
        )
        st.caption(plain(OPERATORS[operator].formula))
    with middle:
        layers = linked(
            st.text_input,
            "Layers",
            key=f"layers{suffix}",
            default="",
            placeholder="its own",
            help="Where it acts, such as 8,11,14; empty is the direction's own layer. A direction from a concept or "
            "from pasted texts is made anew at each of them.",
        )
    with right:
        ranges = linked(
            st.text_input,
            "Only these tokens of the prompt",
            key=f"ranges{suffix}",
            default="",
            placeholder="all, or 1-4, 7",
            help="Numbers of tokens in the prompt, counted from 0, such as 1-4, 7.",
        )
        turns = _turns(suffix) if chat else ""
    when = _choose_when(chosen, suffix)
    if source is None:
        return None
    with mendable(stop=True):
        return Part(
            source=source,
            dose=dose,
            operator=operator,
            layers=_layers(layers),
            tokens=positions,
            ranges=_ranges(ranges),
            turns=turns or None,  # type: ignore[arg-type]
            when=when,
        )
    return None


def more_parts(chosen: Chosen, *, chat: bool) -> list[Part]:
    """Interventions after the first, each in a box of its own."""
    found = []
    count = _count()
    for number in range(2, count + 2):
        suffix = f"_{number}"
        with st.container(border=True):
            title, remove = st.columns([4, 1], vertical_alignment="center")
            title.markdown(f"**Intervention {number}**")
            left, right = st.columns([3, 2], gap="large")
            with right, mendable(stop=True):
                source = choose_direction(chosen, suffix)
            with left:
                dose, positions = choose_dose(suffix), choose_positions(suffix)
            part = choose_part(chosen, source, dose, positions, suffix=suffix, chat=chat)
            if number == count + 1:
                remove.button(
                    "Remove", icon=":material/close:", key="remove_part", on_click=choose, args=("more", count - 1)
                )
            if part is not None:
                found.append(part)
    if count + 1 < MOST:
        st.button(
            "Add an intervention", icon=":material/add:", key="add_part", on_click=choose, args=("more", count + 1)
        )
    return found


def _count() -> int:
    """How many more interventions there are; kept in the URL without a widget of its own."""
    value = remembered("more", 0)
    text = linked_text("more")
    if text is not None:
        value = int(text) if text.isascii() and text.isdigit() else 0
    value = min(max(int(value), 0), MOST - 1)
    keep("more", value, str(value) if value else "")
    return value


def _turns(suffix: str) -> str:
    return linked(
        st.selectbox,
        "Of a chat",
        key=f"turns{suffix}",
        default="",
        valid=TURNS.__contains__,
        options=list(TURNS),
        format_func=TURNS.__getitem__,
        help="Which side's words in the prompt are pushed; what the template writes around them is left alone.",
    )


def _choose_when(chosen: Chosen, suffix: str) -> When | None:
    from core.steering import When

    tier = linked(
        st.segmented_control,
        "When",
        key=f"when{suffix}",
        default="",
        valid=TIERS.__contains__,
        options=list(TIERS),
        format_func=TIERS.__getitem__,
        required=True,
        help="The three tiers of feature steering (Goyal et al. 2025): always; in inputs of which some token reads "
        "above a value; or on those tokens alone.",
    )
    if not tier:
        return None
    left, right = st.columns([3, 2], gap="large")
    with right, mendable(stop=True):
        source = choose_direction(chosen, f"_when{suffix}", label="Read along", features=False)
    with left:
        above = linked(
            st.number_input,
            "Above, in standard deviations",
            key=f"above{suffix}",
            default=1.0,
            read=float,
            write=exact,
            valid=lambda value: isinstance(value, float) and ABOVE[0] <= value <= ABOVE[1],
            min_value=ABOVE[0],
            max_value=ABOVE[1],
            step=0.5,
            help="Counted from the mean of the tokens of 20 neutral prompts, in their standard deviations. It is read "
            "before anything is pushed at its layer, which must not lie behind the layer that is acted on.",
        )
    return None if source is None else When(tier, above, source)  # type: ignore[arg-type]


def _layers(text: str) -> tuple[int, ...]:
    from core.errors import UserError

    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise UserError(f"Layers are numbers such as 8,11,14, not {text[:40]!r}.") from None


def _ranges(text: str) -> tuple[tuple[int, int], ...] | None:
    from core.errors import UserError

    if not text.strip():
        return None
    found = []
    for part in text.split(","):
        start, _, stop = part.strip().partition("-")
        if not start.strip().isdigit() or (stop and not stop.strip().isdigit()):
            raise UserError(f"Tokens are numbers such as 1-4, 7, not {text[:40]!r}.")
        found.append((int(start), int(stop or start) + 1))
    return tuple(found)
