"""A closer look at both texts: what the push broke, tokens in colour, their alternatives, where each act fell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from pages.shared import cached
from pages.shared.links import linked
from pages.shared.text import plain
from pages.shared.tokens import Token, coloured_tokens, visible

if TYPE_CHECKING:
    from core.models import Model
    from core.steering import Guards, Seen
    from pages.shared.steered import Written

COLOURS = {"surprise": "Surprise", "shift": "What the push changed", "reading": "A direction's reading"}
GUARDS = {
    "kl": (
        "KL, nats",
        "Mean over tokens of KL(steered next-token distribution, plain one) in the same context; 0 is no change.",
    ),
    "entropy": ("Entropy, bits", "Mean entropy of the next-token distribution under which the text was written."),
    "perplexity": (
        "Perplexity",
        "Of the text under the plain model: exp of the mean negative log-likelihood per token. A broken text is "
        "many times less likely than the plain one.",
    ),
    "repetition": ("Repetition", "Share, 0 to 1, of runs of three tokens that stood in the text before."),
    "target": (
        "Target words",
        "Probability, 0 to 1, that the next token is one of the target words, mean over the text's tokens.",
    ),
}
SIDES = ("Plain", "Steered")


def panel(written: Written) -> None:
    """Guards at once, the rest when it is opened."""
    seen, guards = looked(written)
    _guards(guards)
    open_ = linked(
        st.toggle,
        "Look at the tokens",
        key="tokens_shown",
        default=False,
        read=lambda text: text == "yes",
        write=lambda on: "yes" if on else "",
        help="Tokens in colour, what could have stood in their place, and where each intervention acted.",
    )
    if not open_:
        return
    opened = cached.model(written.recipe.model)
    _strip(opened, written)
    colour = linked(
        st.segmented_control,
        "Colour",
        key="colour",
        default="surprise",
        valid=COLOURS.__contains__,
        options=list(COLOURS),
        format_func=COLOURS.__getitem__,
        required=True,
        help="**Surprise**: bits, of each token where it was written (−log2 of its probability). **What the push "
        "changed**: nats, KL of the steered from the plain distribution at its place. **A direction's reading**: along "
        "a direction, by the model without any push, in standard deviations of ordinary tokens.",
    )
    readings = _readings(opened, written) if colour == "reading" else None
    for place, column in enumerate(st.columns(2, border=True)):
        with column:
            st.markdown(f"**{SIDES[place]}**")
            _coloured(seen[place], place, colour, None if readings is None else readings[place])
    _alternatives(seen)


def looked(written: Written) -> tuple[tuple[list[Seen], list[Seen]], tuple[Guards, Guards]]:
    """Both texts, read once each way; kept with the session until another text is written."""
    kept = st.session_state.get("looked")
    if kept is not None and kept[0] == (written.recipe, written.tokens):
        return kept[1]
    from core.steering import look
    from pages.shared.steered import ready_for

    opened = cached.model(written.recipe.model)
    ready = ready_for(written.recipe)
    found = [
        look(opened, written.ids, tokens, pushes, targets=ready.targets)
        for tokens, pushes in zip(written.tokens, ((), ready.interventions), strict=True)
    ]
    looked = (found[0][0], found[1][0]), (found[0][1], found[1][1])
    st.session_state["looked"] = ((written.recipe, written.tokens), looked)
    return looked


def _guards(guards: tuple[Guards, Guards]) -> None:
    told = {name: said for name, said in GUARDS.items() if getattr(guards[1], name) is not None}
    columns = st.columns(len(told))
    for column, (name, (title, help)) in zip(columns, told.items(), strict=True):
        before, after = (getattr(one, name) for one in guards)
        column.metric(title, _number(after), help=f"{help} Of the steered text.")
        column.caption(f"plain {_number(before)}")


def _number(value: float | None) -> str:
    return "none" if value is None or value != value else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _strip(opened: Model, written: Written) -> None:
    """On which tokens each intervention acted."""
    from core.steering import pieces_of

    st.markdown("**Where each intervention acted**")
    ids = [*written.ids, *written.tokens[1]]
    pieces = pieces_of(opened, ids)
    for number, (fired, act) in enumerate(zip(written.fired, written.acts, strict=True), 1):
        st.caption(f"{number}. {plain(act)}: on {sum(fired):,} of {len(fired):,} tokens that were read")
        coloured_tokens(
            [
                Token(piece, float(fired[place]) if place < len(fired) else None, _acted(piece, place, fired, written))
                for place, piece in enumerate(pieces)
            ],
            key=f"strip_{number}",
            label=f"Tokens on which intervention {number} acted",
            low="left alone",
            high="acted on",
            most=1.0,
        )


def _acted(piece: str, place: int, fired: tuple[bool, ...], written: Written) -> tuple[str, ...]:
    part = "of the prompt" if place < len(written.ids) else "generated"
    said = "not read any more" if place >= len(fired) else "acted on" if fired[place] else "left alone"
    return f"“{visible(piece)}”", f"token {place}, {part}: {said}"


def _readings(opened: Model, written: Written) -> list[list[float | None]] | None:
    """Of each written token, plain and steered, along a saved direction or the recipe's first."""
    from core.directions import list_directions, site_of
    from core.steering import readings
    from pages.shared.directions import direction_of

    own = "the first intervention's"
    saved = {one.name: one for one in list_directions() if one.model_fingerprint == opened.fingerprint}
    name = linked(
        st.selectbox,
        "Along",
        key="along",
        default=own,
        valid=lambda name: name == own or name in saved,
        options=[own, *saved],
        help="A probe or another direction from the library, or the one that is pushed.",
    )
    direction = saved[name] if name in saved else direction_of(written.recipe.model, written.recipe.parts[0].source)
    site = site_of(opened, direction)
    return [
        readings(opened, [*written.ids, *tokens], site, direction.vector)[len(written.ids) :]
        for tokens in written.tokens
    ]


def _coloured(seen: list[Seen], place: int, colour: str, readings: list[float | None] | None) -> None:
    if not seen:
        st.caption("Nothing was written.")
        return
    values: list[float | None]
    if readings is not None:
        values, low, high = readings, "against the direction", "along the direction"
    elif colour == "shift":
        values, low, high = [one.kl for one in seen], "no change", "large change"
    else:
        values, low, high = [one.surprise for one in seen], "expected", "surprising"
    clicked = coloured_tokens(
        [
            Token(
                one.text,
                value,
                (
                    f"“{visible(one.text)}”",
                    f"surprise {one.surprise:.2f} bits; without the push {one.plain_surprise:.2f}",
                    f"KL {one.kl:.3f} nats" + (f"; reads {value:+.2f}" if readings and value is not None else ""),
                ),
            )
            for one, value in zip(seen, values, strict=True)
        ],
        key=f"seen_{place}",
        label=f"The {SIDES[place].lower()} text's tokens, coloured",
        low=low,
        high=high,
        clickable=True,
        chosen=(st.session_state.get("clicked") or (None, None))[1]
        if (st.session_state.get("clicked") or (None, None))[0] == place
        else None,
    )
    if clicked is not None:
        st.session_state["clicked"] = (place, clicked)


def _alternatives(seen: tuple[list[Seen], list[Seen]]) -> None:
    """What could have stood in the place of the token that was clicked."""
    place, number = st.session_state.get("clicked") or (1, 0)
    if not seen[place] or number >= len(seen[place]):
        place, number = next(((side, 0) for side in (1, 0) if seen[side]), (0, -1))
    if number < 0:
        return
    one = seen[place][number]
    word = plain(visible(one.text.strip() or one.text))
    st.markdown(f"**In the place of “{word}”**, new token {number + 1} of the {SIDES[place].lower()} text")
    table = pd.DataFrame(
        {
            "token": [visible(other.text) for other in one.alternatives],
            "plain": [other.plain for other in one.alternatives],
            "steered": [other.steered for other in one.alternatives],
            "": ["written" if other.token == one.token else "" for other in one.alternatives],
        }
    )
    share = {
        name: st.column_config.ProgressColumn(
            name, min_value=0.0, max_value=1.0, format="percent", help=f"Probability of this token next, {said}."
        )
        for name, said in (("plain", "without the push"), ("steered", "under the push (the plain text has none)"))
    }
    st.dataframe(table, hide_index=True, column_config=share)
    st.caption(
        "Click a token to see its alternatives. Probabilities are the model's own in this very context, before "
        "temperature, top-p and penalties."
    )
