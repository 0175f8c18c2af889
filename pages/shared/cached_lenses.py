"""Streamlit's caches of what lenses and readers of tokens are made of; see cached.py for the others."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import streamlit as st

from core import spaces
from core.progress import Listener, silent
from pages.shared import cached

if TYPE_CHECKING:
    from core.lenses import LensReading, TunedLens
    from core.probing import Reader

SHELF = 256  # readings and readers: some kilobytes each, a reading up to a megabyte
LENSES = 2  # tens of megabytes each


@st.cache_resource(max_entries=1, show_spinner=False)
def _shelf() -> OrderedDict[tuple[Any, ...], Any]:
    return OrderedDict()


def _kept(key: tuple[Any, ...], make: Any) -> Any:
    shelf, key = _shelf(), (spaces.space(), *key)
    if key not in shelf:
        shelf[key] = make()
        while len(shelf) > SHELF:
            shelf.popitem(last=False)
    return shelf[key]


@st.cache_resource(max_entries=LENSES, show_spinner=False)
def _lens(key: str) -> TunedLens:
    from core.lenses import load_lens

    return load_lens(key)


def tuned_lens(spec: str) -> TunedLens | None:
    """The best tuned lens of the model; None if none was trained."""
    from core.lenses import find_lens

    key = find_lens(cached.model(spec))
    return None if key is None else _lens(key)


def lens_reading(spec: str, prompt: str, lens: TunedLens | None, token: str | None, longest: int) -> LensReading:
    """What each layer says of the prompt. Raises UserError for what cannot be read."""
    from core.lenses import read_lens

    opened = cached.model(spec)
    identity = (opened.fingerprint, opened.device.type, opened.dtype_name)
    key = ("lens", *identity, prompt, lens and lens.key, token, longest)
    return _kept(key, lambda: read_lens(opened, prompt, lens=lens, token=token, max_length=longest))


def readers(
    spec: str, id: str, limit: int, layers: tuple[int, ...], method: str, *, progress: Listener = silent
) -> list[Reader]:
    """Readers along the concept's probes, one per layer; computed at the first call."""
    from core.probing import probe_readers

    opened, rows = cached.model(spec), cached.examples(id, limit)
    key = ("probes", opened.fingerprint, opened.device.type, opened.dtype_name, rows.digest, layers, method)
    return _kept(key, lambda: probe_readers(opened, rows, layers, method, progress=progress))


def direction_readers(spec: str, name: str, *, progress: Listener = silent) -> list[Reader]:
    """The reader along a saved direction, in a list of one."""
    from core.directions import load_direction
    from core.probing import direction_reader

    opened, direction = cached.model(spec), load_direction(name)
    key = ("direction", opened.fingerprint, opened.device.type, opened.dtype_name, direction.digest, direction.site)
    return _kept(key, lambda: [direction_reader(opened, direction, progress=progress)])


def are_recorded(spec: str, id: str, limit: int, layers: tuple[int, ...]) -> bool:
    """Whether the concept's activations are stored already, so that readers take seconds and not minutes."""
    from core.activations import Store
    from core.activations.recipe import corpus_hash, make_recipe

    opened, rows = cached.model(spec), cached.examples(id, limit)
    corpus = corpus_hash(rows.texts)
    return all(
        Store(
            make_recipe(
                opened,
                opened.site(layer),
                rows.texts,
                pool="mean",
                all_positions=False,
                max_length=256,
                corpus=corpus,
            )
        ).is_complete()
        for layer in layers
    )
