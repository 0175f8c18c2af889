"""The only place with Streamlit's caches: models in memory, and what every run of a page reads again.

Keys are plain values. What is kept by a name, or bears one, is kept for each user's space (core/spaces.py) by itself:
a name means something else to another. Models are for all who may open them, which is asked before. torch and what
needs it is imported inside functions, so that pages without a model are quick.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from core import spaces
from core.examples import Examples, Info, catalogue, list_images, open_examples, stamp
from core.models import KnownModel, NotOpened, as_known, known_model
from core.models.known import contents
from core.models.remembered import require_permitted
from core.progress import Listener, silent
from pages.shared.collecting import free, spared
from pages.shared.hardware import chosen_hardware

if TYPE_CHECKING:
    from core.activations import Pool
    from core.directions import Direction
    from core.models import Model
    from core.probing import Sweep
    from core.tour import Window

T = TypeVar("T")

MODELS = 2  # in memory at once
HELD = 64  # of which it is known what their files held: openings of late
DIRECTIONS = 128  # a few kilobytes each
USERS = 16  # whose lists are kept at once


@st.cache_resource(max_entries=MODELS, show_spinner=False, on_release=free)
def _model(spec: str, device: str | None, dtype: str | None, held: str) -> Model:
    from core.models import open_model

    return spared(open_model(spec, device=device, dtype=dtype))


def model(spec: str) -> Model:
    """The opened model on the chosen hardware, one for all sessions. Raises UserError if it cannot be opened."""
    require_permitted(spec)
    with st.spinner("Opening the model …", show_time=True):
        return newest(_model, spec)


def newest(opener: Any, spec: str) -> Any:
    """What `opener` (of a spec, hardware and what the files hold) keeps of a model as its files are now.

    One whose files have changed since it was opened is let go: its results are under another fingerprint.
    """
    shelf, key, held = _held(), (opener, spec, *chosen_hardware()), contents(spec)
    if shelf.get(key, held) != held:
        opener.clear(*key[1:], shelf.pop(key))
    found = opener(*key[1:], held)
    shelf[key] = held
    while len(shelf) > HELD:
        shelf.pop(next(iter(shelf)), None)
    return found


@st.cache_resource(max_entries=1, show_spinner=False)
def _held() -> dict[tuple[Any, ...], str]:
    """What the files of opened models held, by opener, spec and hardware."""
    return {}


def close_model(spec: str) -> None:
    """Forget an opened model on whatever hardware: its files go, and others may come under the same name."""
    shelf = _held()
    for key in [key for key in shelf if key[1] == spec]:
        key[0].clear(*key[1:], shelf.pop(key))


@st.cache_data(ttl=5, max_entries=USERS, show_spinner="Reading the list of examples …")
def _all_examples(here: str) -> dict[str, Info]:
    return {info.id: info for info in catalogue()}


def all_examples() -> dict[str, Info]:
    """The catalogue by id. Kept for seconds only: another session may save a set."""
    return _all_examples(spaces.space())


def forget_examples() -> None:
    """After a set was saved, renamed or deleted: have the catalogue read again."""
    _all_examples.clear(spaces.space())


@st.cache_data(ttl=60, max_entries=USERS, show_spinner=False)
def _all_images(here: str) -> dict[str, Info]:
    return {info.id: info for info in list_images() if info.positives and info.negatives}


def all_images() -> dict[str, Info]:
    """The sets of images at hand that hold a concept, by id."""
    return _all_images(spaces.space())


@st.cache_data(ttl=600, max_entries=8, show_spinner=False)
def _examples(here: str, id: str, limit: int | None, changed: str) -> Examples:
    found = open_examples(id, limit=limit)
    _ = found.digest  # kept with it, so that no view hashes the texts again
    return found


def examples(id: str, limit: int | None) -> Examples:
    """Examples by id, cut to `limit` rows. Raises UserError if they cannot be opened."""
    return _examples(spaces.space(), id, limit, stamp(id))  # a set may be saved anew under its name


def known(spec: str) -> KnownModel:
    """What names the model's results, told without loading it wherever that is possible."""
    device, dtype = chosen_hardware()
    return known_model(spec, device=device, dtype=dtype) or as_known(model(spec))


def answer(spec: str, ask: Callable[[KnownModel], T]) -> T | None:
    """What `ask` says if it was computed before, by whomever; else None. Computes nothing."""
    try:
        return ask(known(spec))
    except NotOpened:
        return None


def known_sweep(
    spec: str,
    id: str,
    limit: int,
    layers: tuple[int, ...] | None,
    methods: tuple[str, ...],
    pool: Pool,
    *,
    seed: int = 0,
    seeds: tuple[int, ...] = (),
    controls: tuple[str, ...] | None = None,
) -> Sweep | None:
    """The sweep of these choices if it was computed before, by whomever. layers, controls: None for all."""
    from core.probing import CONTROLS, cached_sweep

    stand_in = known(spec)
    return cached_sweep(
        stand_in,
        examples(id, limit),
        tuple(range(stand_in.n_layers)) if layers is None else layers,
        methods=methods,
        pool=pool,
        seed=seed,
        seeds=seeds,
        controls=tuple(CONTROLS) if controls is None else controls,
    )


@st.cache_resource(max_entries=1, show_spinner=False)
def _directions() -> OrderedDict[tuple[str | int, ...], Direction]:
    return OrderedDict()


def direction(
    spec: str,
    id: str,
    limit: int,
    layer: int,
    method: str,
    *,
    words: str = "",
    other: str = "",
    progress: Listener = silent,
) -> Direction:
    """The direction after `layer` that `method` makes; computed at the first call, from stored activations if there.

    From the examples `id`; for a method that takes something else from `words` ("good|bad"), or from the model `other`
    and the texts of the examples.
    """
    from core.directions import ModelPair, Texts, TokenLists, make_direction, method_named

    opened = model(spec)
    source: Examples | TokenLists | ModelPair
    if method_named(method).made_from == "tokens":
        source, of = TokenLists.parse(words), words
    else:
        source = rows = examples(id, limit)
        of = rows.digest
        if method_named(method).made_from == "models":
            source = ModelPair(model(other), Texts.of(rows))
            of += source.other.fingerprint
    key = (spaces.space(), opened.fingerprint, opened.device.type, opened.dtype_name, of, layer, method)
    shelf = _directions()
    if key not in shelf:
        site = opened.site(layer)
        shelf[key] = make_direction(opened, source, site, method, name="unsaved", limit=limit, progress=progress)
        while len(shelf) > DIRECTIONS:
            shelf.popitem(last=False)
    return shelf[key]


@st.cache_data(ttl=600, max_entries=1, show_spinner=False)
def tour_windows() -> list[Window]:
    """Where the tour's feature is on most; reading their files takes a moment."""
    from core.tour import open_tour

    tour = open_tour()
    return [] if tour is None else tour.windows()
