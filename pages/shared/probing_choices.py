"""The form of the Probing page, and everything that decides a sweep."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from core import first_concept
from core.concept.figures import METHOD_NAMES
from core.errors import UserError
from core.probing import CONTROLS, METHODS
from core.probing.sweeping import DEFAULT_METHODS
from pages.shared import cached
from pages.shared.hardware import as_arguments
from pages.shared.links import comma, linked, linked_form

if TYPE_CHECKING:
    from core.activations import Pool
    from core.probing import Sweep

POOLS: dict[Pool, str] = {"mean": "mean over tokens", "last": "last token"}
POOL: Pool = "mean"
CONTROL_NAMES = {"layer0": "Layer 0", "selectivity": "Control task", "codelength": "Code length"}
MOST_SPLITS = 20
FEWEST, MOST = 20, 100_000  # texts
# The choice of how many texts, which also says what is shown of them above it.
TEXTS: dict[str, Any] = {
    "key": "limit",
    "default": first_concept.LIMIT,
    "read": int,
    "valid": lambda number: isinstance(number, int) and FEWEST <= number <= MOST,
}


@dataclass(frozen=True)
class Choices:
    """Everything that decides a sweep. layers: None for all. splits: how many, counted from `seed`."""

    model: str
    concept: str
    limit: int
    layers: tuple[int, ...] | None
    methods: tuple[str, ...]
    pool: Pool
    seed: int = 0
    splits: int = 1
    controls: tuple[str, ...] = tuple(CONTROLS)

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(self.seed, self.seed + self.splits)) if self.splits > 1 else ()

    def arguments(self) -> list[str]:
        """The command line that computes it: what is at its default is left out, so that equal work is one job."""
        layers = "all" if self.layers is None else comma(self.layers)
        words = ["probe", self.model, "--examples", self.concept, "--layers", layers, "--limit", str(self.limit)]
        words += ["--methods", comma(self.methods), "--pool", self.pool]
        words += ["--seed", str(self.seed)] if self.seed else []
        words += ["--seeds", str(self.splits)] if self.splits > 1 else []
        words += [] if set(self.controls) == set(CONTROLS) else ["--controls", comma(self.controls) or "none"]
        return [*words, *as_arguments()]

    def known(self) -> Sweep | None:
        """The sweep, if it was computed before."""
        return cached.known_sweep(
            self.model,
            self.concept,
            self.limit,
            self.layers,
            self.methods,
            self.pool,
            seed=self.seed,
            seeds=self.seeds,
            controls=self.controls,
        )

    def one(self, layer: int, *methods: str) -> Choices:
        """The same at one layer, without other splits and costly controls."""
        return replace(self, layers=(layer,), methods=methods, splits=1, controls=())

    def over(self, layers: tuple[int, ...] | None) -> Choices:
        """The same at other layers."""
        return replace(self, layers=layers)


def ask(model: str, concept: str, n_layers: int | None) -> tuple[Choices, bool]:
    """Draw the form. Returns what was chosen, and whether the sweep is to be run. Raises UserError for odd layers."""
    with linked_form("sweep"):
        left, middle, right = st.columns(3)
        with left:
            limit = linked(
                st.number_input,
                "Texts",
                **TEXTS,
                min_value=FEWEST,
                max_value=MOST,
                step=100,
                help="At most this many texts in all, the classes in proportion, the same ones each time. "
                "More texts give narrower intervals and take longer.",
            )
        with middle:
            layers_text = linked(
                st.text_input,
                "Layers",
                key="layers",
                default="all",
                valid=lambda text: bool(text.strip()),
                max_chars=400,
                help="`all`, or numbers such as 0,10,20. One pass through the model serves all of them.",
            )
        with right:
            pool: Pool = linked(
                st.segmented_control,
                "One activation per text",
                key="pool",
                default=POOL,
                valid=POOLS.__contains__,
                options=list(POOLS),
                format_func=POOLS.__getitem__,
                required=True,
                help="A text has one activation per token; "
                "a probe needs one per text. The first and special tokens are left out.",
            )
        methods = linked(
            st.pills,
            "Methods",
            key="methods",
            default=list(DEFAULT_METHODS),
            read=lambda text: text.split(","),
            write=comma,
            valid=lambda names: bool(names) and set(names) <= set(METHOD_NAMES),
            options=list(METHOD_NAMES),
            selection_mode="multi",
            format_func=METHOD_NAMES.__getitem__,
            help="How the direction that is read along is found.  \n"
            + "  \n".join(f"**{one.title}**: {one.help}" for one in METHODS.values()),
        )
        with st.expander("Splits and controls", icon=":material/balance:"):
            seed, splits, controls = _more()
        pressed = st.form_submit_button("Run the sweep", type="primary", icon=":material/play_arrow:")
    layers = _layers(layers_text, n_layers, model)
    return Choices(model, concept, limit, layers, tuple(methods), pool, seed, splits, tuple(controls)), pressed


def _more() -> tuple[int, int, list[str]]:
    one, two, three = st.columns([1, 1, 2])
    with one:
        seed = linked(
            st.number_input,
            "Seed",
            key="split_seed",
            default=0,
            read=int,
            valid=lambda number: isinstance(number, int) and 0 <= number < 2**31,
            min_value=0,
            max_value=2**31 - 1,
            help="Decides which 70% of the texts train, the folds within them, and every shuffle and resample. Texts "
            "that are the same, or of one group, are never parted.",
        )
    with two:
        splits = linked(
            st.number_input,
            "Splits",
            key="splits",
            default=1,
            read=int,
            valid=lambda number: isinstance(number, int) and 1 <= number <= MOST_SPLITS,
            min_value=1,
            max_value=MOST_SPLITS,
            help="How many ways to part training from test texts: the spread of the score over them shows how much "
            "hangs on one split. Each costs about as much as the first without its controls.",
        )
    with three:
        controls = linked(
            st.pills,
            "Controls that take time",
            key="controls",
            default=list(CONTROLS),
            read=lambda text: [] if text == "none" else text.split(","),
            write=lambda names: comma(names) or "none",
            valid=lambda names: names is not None and set(names) <= set(CONTROLS),
            options=list(CONTROLS),
            selection_mode="multi",
            format_func=CONTROL_NAMES.__getitem__,
            help="  \n".join(f"**{CONTROL_NAMES[name]}**: {about}." for name, about in CONTROLS.items())
            + "  \nShuffled labels, random directions, the words alone and length alone always stand beside a score.",
        )
    return seed, splits, controls


def _layers(text: str, n_layers: int | None, model: str) -> tuple[int, ...] | None:
    """None for all; UserError for what is no list of layers."""
    if text.strip().lower() == "all":
        return None
    try:
        layers = tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        raise UserError(f"Layers are numbers such as 0,10,20 or the word all, not {text!r}.") from None
    most = None if n_layers is None else n_layers - 1
    if bad := [layer for layer in layers if layer < 0 or (most is not None and layer > most)]:
        raise UserError(f"There is no layer {bad[0]}: {model} has layers 0 to {most if most else '…'}.")
    return layers
