"""Caches of the Features page: opened dictionaries, their indexes, and all features as one table."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core import spaces
from pages.shared import cached
from pages.shared.collecting import free, spared

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    from core.dictionaries import Dictionary
    from core.dictionaries.index import Index
    from core.dictionaries.index.active import ActiveText
    from core.dictionaries.index.concept import ConceptFeatures
    from core.dictionaries.index.feature import Feature
    from core.dictionaries.index.labels import Label
    from core.dictionaries.shelf import Listed
    from core.directions import Direction

OPENED = 2  # dictionaries and indexes in memory: one of 65,536 features takes 300 MB


@dataclass(frozen=True, eq=False)
class Opened:
    """A dictionary with the index over most tokens that it has. moment: names the state of the index."""

    spec: str
    dictionary: Dictionary
    index: Index
    moment: tuple[str, ...]


@st.cache_resource(max_entries=OPENED, show_spinner="Opening the dictionary …", on_release=free)
def _dictionary(spec: str, name: str, stamp: str, model_key: tuple[str, ...]) -> Dictionary:
    from core.dictionaries import fitted, open_dictionary

    found = fitted(open_dictionary(name), cached.model(spec))
    _ = found.key  # kept with it: it hashes all weights
    return found


def dictionary(spec: str, listed: Listed) -> Dictionary:
    """The dictionary, bound to the model. Raises UserError if it is not sound or belongs to another model."""
    model = cached.model(spec)
    key = (model.fingerprint, model.device.type, model.dtype_name)
    return _dictionary(spec, listed.name, listed.stamp, key)


@st.cache_resource(max_entries=OPENED, show_spinner="Opening the index …", on_release=free)
def _index(folder: str, changed: int) -> Index:
    from core.dictionaries.index import Index

    return Index(Path(folder))


def opened(spec: str, listed: Listed) -> Opened | None:
    """The dictionary with its index as it is now; None if it has none yet."""
    from core.dictionaries.index import list_indexes
    from core.dictionaries.index.files import MANIFEST
    from core.dictionaries.index.labels import FILE

    found = dictionary(spec, listed)
    folders = list_indexes(found)
    if not folders:
        return None
    folder = folders[0]
    own = str(found.folder)  # beside whose files published labels lie
    moment = (str(folder), *(str(_changed(folder / name)) for name in (MANIFEST, FILE)), found.key, own)
    return Opened(spec, found, _index(str(folder), _changed(folder / MANIFEST)), moment)


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@st.cache_resource(max_entries=OPENED, show_spinner="Gathering all features …", on_release=free)
def _table(moment: tuple[str, ...], _opened: Opened) -> pd.DataFrame:
    from core.dictionaries.index.table import table_of

    made = table_of(_opened.index, cached.model(_opened.spec), _labels(moment, _opened))
    return spared(made.assign(note="", bookmark=False))


@st.cache_resource(max_entries=OPENED, show_spinner=False)
def _labels(moment: tuple[str, ...], _opened: Opened) -> dict[int, Label]:
    """Automatic labels and published ones; those by hand are laid over them in each run."""
    from core.dictionaries import labels_of as published
    from core.dictionaries.index.labels import Label, automatic_labels

    found = {one: own for one, own in automatic_labels(_opened.index).items() if own.text}  # for some no word speaks
    return found | {number: Label(text, "published") for number, text in published(_opened.dictionary).items()}


def label(opened: Opened, feature: int) -> Label | None:
    """What a feature is called, by hand before others; None if nothing."""
    from core.dictionaries.index.labels import Label
    from core.dictionaries.index.notes import notes_of

    note = notes_of(opened.dictionary.key).get(feature)
    if note is not None and note.label:
        return Label(note.label, note.by, note.score)
    return _labels(opened.moment, opened).get(feature)


def labels(opened: Opened) -> Mapping[int, Label]:
    """What each feature that has a label is called, by hand before others."""
    from core.dictionaries.index.labels import Label
    from core.dictionaries.index.notes import notes_of

    notes = notes_of(opened.dictionary.key).items()
    hand = {one: Label(note.label, note.by, note.score) for one, note in notes if note.label}
    # Laid over one another rather than put together: a list asks for some dozens of many thousands.
    return ChainMap(
        {one: own for one, own in hand.items() if one < opened.index.n_features}, _labels(opened.moment, opened)
    )


def table(opened: Opened) -> pd.DataFrame:
    """A line per feature, with notes and bookmarks; nobody may change it."""
    from core.dictionaries.index.notes import notes_of

    made = _table(opened.moment, opened)
    notes = {one: note for one, note in notes_of(opened.dictionary.key).items() if one < len(made)}
    if not notes:
        return made
    made = made.copy()
    for column in ("label", "label_by", "label_score", "note", "bookmark"):
        values = made[column].to_numpy(copy=True)
        for feature, note in notes.items():
            if column in ("note", "bookmark"):
                values[feature] = getattr(note, column)
            elif note.label:
                hand = {"label": note.label, "label_by": note.by, "label_score": note.score}
                values[feature] = hand[column] if hand[column] is not None else float("nan")
        made[column] = values
    return made


@st.cache_resource(max_entries=256, show_spinner=False)
def _feature(moment: tuple[str, ...], number: int, _opened: Opened) -> Feature:
    from core.dictionaries.index.feature import feature_of

    return feature_of(_opened.index, cached.model(_opened.spec), number)


def feature(opened: Opened, number: int) -> Feature:
    """What the index knows of a feature. Raises UserError for damaged files."""
    return _feature(opened.moment, number, opened)


@st.cache_resource(max_entries=32, show_spinner="Reading the text …")
def _active(key: tuple[str, ...], text: str, spec: str, _dictionary: Dictionary) -> ActiveText:
    from core.dictionaries.index.active import active_in

    return active_in(cached.model(spec), _dictionary, text)


def active(opened: Opened, text: str) -> ActiveText:
    """The codes of a text that somebody typed. Raises UserError for one without tokens."""
    model = cached.model(opened.spec)
    key = (opened.dictionary.key, model.fingerprint, model.device.type, model.dtype_name)
    return _active(key, text, opened.spec, opened.dictionary)


@st.cache_resource(max_entries=32, show_spinner="Searching …")
def _found(moment: tuple[str, ...], words: str, by: str, named: str, _opened: Opened) -> dict[int, float]:
    from core.dictionaries.index import search

    if by == "text":
        found = search.by_text(_opened.index, cached.model(_opened.spec), words)
    else:
        found = search.by_meaning(labels(_opened), words)
    return {one.feature: one.score for one in found}


def found(opened: Opened, words: str, by: str) -> dict[int, float]:
    """Features that a search for words finds, with their scores, the best first. by: "text" or "meaning"."""
    from core import workspace
    from core.dictionaries.index.notes import notes_of

    notes = notes_of(opened.dictionary.key)
    named = workspace.digest({str(one): note.label for one, note in notes.items()}) if by == "meaning" else ""
    return _found(opened.moment, words, by, named, opened)


@st.cache_resource(max_entries=16, show_spinner="Ranking the features …")
def _ranking(key: tuple[str, ...], _opened: Opened, concept: str, limit: int) -> ConceptFeatures:
    from core.dictionaries.index.concept import features_for

    model, examples = cached.model(_opened.spec), cached.examples(concept, limit)
    return features_for(model, _opened.dictionary, examples, directions=_beside(_opened, concept))


def ranking(opened: Opened, concept: str, limit: int, *, computed: bool) -> ConceptFeatures | None:
    """Features ranked for a concept; None if its texts were not read yet. computed: whether a job has read them."""
    if not computed:
        return None
    model, examples = cached.model(opened.spec), cached.examples(concept, limit)
    # A direction may be another one under the name of before.
    beside = sorted((name, sha256(vector.tobytes()).hexdigest()) for name, vector in _beside(opened, concept).items())
    identity = (model.fingerprint, model.device.type, model.dtype_name)
    key = (spaces.space(), opened.dictionary.key, *identity, examples.digest, *map(str, beside))
    return _ranking(key, opened, concept, limit)


def _beside(opened: Opened, concept: str) -> dict[str, np.ndarray]:
    """Directions at the dictionary's place whose cosines are of interest: the concept's probe, and saved ones."""
    from core import first_concept
    from core.directions import list_directions
    from pages.shared.cached_lenses import are_recorded

    card, model = opened.dictionary.card, cached.model(opened.spec)
    found: dict[str, np.ndarray] = {}
    layer = card.layer
    at = layer is not None and card.rebuilds == model.find_site(layer)
    if at and layer is not None and are_recorded(opened.spec, concept, first_concept.LIMIT, (layer,)):
        probe = cached.direction(opened.spec, concept, first_concept.LIMIT, layer, "logistic")
        found["logistic probe"] = probe.vector
    for one in list_directions():
        here = one.model_fingerprint == model.fingerprint and one.site == str(card.rebuilds)
        if here and one.method != "feature" and len(found) < 8:
            found[one.name] = one.vector
    return found


@st.cache_resource(max_entries=4, show_spinner=False)
def _directions_at(here: str, key: str, changed: tuple[int, ...], _dictionary: Dictionary) -> dict[str, Direction]:
    from core.dictionaries.index.probed import fits
    from core.directions import list_directions

    return {one.name: one for one in list_directions() if fits(_dictionary, one)}


def directions_at(opened: Opened) -> dict[str, Direction]:
    """Saved directions of the model at the dictionary's place, by name."""
    from core import workspace

    # Every name that comes or goes, and every rewrite, in one's own space and in the library.
    folders = (workspace.place("directions", "x").parent, workspace.shared() / "directions")
    changed = tuple(map(_changed, folders))
    return _directions_at(spaces.space(), opened.dictionary.key, changed, opened.dictionary)


@st.cache_resource(max_entries=4, show_spinner=False)
def _map(here: str, key: str, _opened: Opened) -> np.ndarray | None:
    from core.dictionaries.maps.feature_map import known_map

    return known_map(_opened.dictionary)


def drawn_map(opened: Opened) -> np.ndarray | None:
    """Points (m, 2), a feature each; None if the map was not drawn yet."""
    here = spaces.space()
    found = _map(here, opened.dictionary.key, opened)
    if found is None:
        _map.clear(here, opened.dictionary.key, opened)  # it may be there at the next look
    return found
