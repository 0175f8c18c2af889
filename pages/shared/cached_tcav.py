"""Caches of the TCAV page: control sets, and tests that were taken up again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar, cast

import streamlit as st

from core import spaces
from core.models import NotOpened
from core.models.remembered import require_permitted
from core.progress import Listener
from pages.shared import cached
from pages.shared.kept import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from core.examples import ImageExamples
    from core.models import AnyModel, ImageModel, Model
    from core.tcav.reopening import Reopened
    from core.tcav.sources import Labelled
    from pages.shared.tcav_choices import Choices

T = TypeVar("T")

TESTS = 3  # taken up again; tens of megabytes each as a rule
TEST_BYTES = 500_000_000  # of all that are kept
IMAGE_SETS = 32  # kept at once
IMAGE_BYTES = 500_000_000  # of the files of all of them
SECONDS = 60  # for which a set of images is taken to be what it was
SHARES = 400  # texts whose tokens' shares are kept; kilobytes each


@st.cache_resource(max_entries=4, show_spinner=False)
def _image_controls(count: int) -> Sequence[Labelled]:
    from core.tcav import open_image_controls

    return open_image_controls(count)


def controls(count: int, kind: str = "text") -> Sequence[Labelled]:
    """The sets that stand for other concepts; those of texts are named here, and opened where they are recorded."""
    from core.tcav.controls import open_controls

    if not count:
        return ()
    return open_controls(count) if kind == "text" else _image_controls(count)


@st.cache_resource(max_entries=1, show_spinner=False)
def _images() -> Shelf[tuple[Any, ...], ImageExamples]:
    return Shelf(IMAGE_SETS, most_bytes=IMAGE_BYTES, size=_bytes_in)


def _bytes_in(found: ImageExamples) -> int:
    """Of the files that a set holds, as those from a zip file do; others are read when they are loaded."""
    files = {id(one): one for one in (getattr(image, "whole", image) for image in found.images)}  # of parts, one file
    return sum(len(getattr(one, "data", None) or b"") for one in files.values())


def images(id: str, limit: int | None) -> ImageExamples:
    """A set of images. Kept for a minute only: files may change. Raises UserError if it cannot be opened."""
    from core.examples import open_images

    shelf, key = _images(), (spaces.space(), id, limit, int(time.monotonic() // SECONDS))
    found = shelf.get(key)
    if found is None:
        with st.spinner("Looking at the images …"):
            found = open_images(id, limit=limit)
        shelf.put({key: found})
    return found


@st.cache_data(ttl=60, max_entries=cached.USERS, show_spinner=False)
def _class_images(here: str) -> dict[str, str]:
    from core.examples import list_images
    from core.examples.image_sets import STAMPS

    stamps = {"stamps/zebra": "A cut-out zebra over drawn scenes"} if STAMPS.is_dir() else {}
    return stamps | {info.id: info.title for info in list_images() if info.subject == "photograph"}


def class_images() -> dict[str, str]:
    """Titles of the sets of photographs on this machine, by id: a cut-out first, if there are any."""
    return _class_images(spaces.space())


@st.cache_data(ttl=60, max_entries=cached.USERS, show_spinner=False)
def _pools(here: str) -> dict[str, str]:
    from core.examples import list_images

    return {info.id: info.title for info in list_images() if not info.positives}


def pools() -> dict[str, str]:
    """Titles of the pools of images that hold negatives alone, by id."""
    return _pools(spaces.space())


@st.cache_resource(max_entries=2, show_spinner=False)
def _image_model(spec: str, device: str | None, dtype: str | None, held: str) -> ImageModel:
    from core.models import open_image_model

    return open_image_model(spec, device=device, dtype=dtype)


def model(spec: str, kind: str) -> Model | ImageModel:
    """The opened model, one for all sessions. Raises UserError if it cannot be opened."""
    if kind == "text":
        return cached.model(spec)
    require_permitted(spec)
    with st.spinner("Opening the model …", show_time=True):
        return cast("ImageModel", cached.newest(_image_model, spec))


@st.cache_data(ttl=60, max_entries=8, show_spinner=False)
def _text_classes(spec: str) -> tuple[str, ...]:
    from core.models.kinds import text_classes

    return text_classes(spec)


def class_names(spec: str, kind: str) -> tuple[str, ...]:
    """Of a classifier, whose answers they are; none for a model that predicts words. Raises UserError."""
    require_permitted(spec)
    return _text_classes(spec) if kind == "text" else model(spec, kind).class_names


def answer(spec: str, kind: str, ask: Callable[[AnyModel | ImageModel], T]) -> T | None:
    """What `ask` says if it was computed before, by whomever; else None. A model of images is small, and opened."""
    if kind == "text":
        return cached.answer(spec, ask)
    try:
        return ask(model(spec, kind))
    except NotOpened:
        return None


@st.cache_resource(max_entries=1, show_spinner=False)
def _tests() -> Shelf[tuple[Any, ...], Reopened]:
    return Shelf(TESTS, most_bytes=TEST_BYTES, size=_bytes_of)


def _bytes_of(test: Reopened) -> int:
    """Of its arrays: the concepts' rows and the inputs' gradients."""
    rows = sum(part.nbytes for concept in test.concepts for part in concept.X)
    return rows + sum(part.nbytes for of_sites in test.question.gradients.values() for part in of_sites)


@st.cache_resource(max_entries=1, show_spinner=False)
def _shares() -> Shelf[tuple[Any, ...], Any]:
    return Shelf(SHARES)


def reopened(choices: Choices, progress: Listener) -> Reopened:
    """The arrays behind a test; one for all sessions, which nobody changes."""
    from core.tcav.reopening import reopen

    opened = model(choices.model, choices.kind)
    asked, how = choices.parts(opened)
    key = _key(choices, opened, asked)
    shelf = _tests()
    found = shelf.get(key)
    if found is None:
        found = reopen(opened, *asked, **how, progress=progress)
        shelf.put({key: found})
    return found


def is_open(choices: Choices) -> bool:
    """Whether the arrays behind a test are in memory, so that nothing has to be read."""
    return any(key[:2] == (spaces.space(), choices) for key in _tests().names())


def shares(
    choices: Choices, target: str, layer: int, concept: int, items: Sequence[Any], progress: Listener
) -> list[Any]:
    """Of each text's tokens (Contributions), or of each image's places (ConceptMap), in one cell."""
    from core.tcav.contributions import contributions
    from core.tcav.known import known_target
    from core.tcav.maps import concept_maps

    opened = model(choices.model, choices.kind)
    again = reopened(choices, progress)
    site = choices.layers.index(layer)
    asked, _ = choices.parts(opened)
    start = (*_key(choices, opened, asked), target, layer, concept)
    shelf = _shares()
    names = [item if isinstance(item, str) else item.digest for item in items]
    kept = {name: shelf.get((*start, name)) for name in names}
    missing = {name: item for name, item in zip(names, items, strict=True) if kept[name] is None}
    if missing:
        where = (again.sites[site], again.cav(concept, site))
        asked_of = known_target(opened, target)
        found: Sequence[Any] = (
            contributions(cast("Model", opened), asked_of, list(missing.values()), *where, pool=choices.how.pool)
            if choices.kind == "text"
            else concept_maps(cast("ImageModel", opened), asked_of, list(missing.values()), *where)
        )
        fresh = dict(zip(missing, found, strict=True))
        shelf.put({(*start, name): one for name, one in fresh.items()})
        kept |= fresh
    return [kept[name] for name in names]  # another session may have let go of them on the shelf by now


def _key(choices: Choices, opened: Any, asked: tuple[Any, ...]) -> tuple[Any, ...]:
    """What decides the arrays: the choices, and what the names in them stand for now."""
    sets = tuple(one.digest for one in asked[0])
    inputs = tuple(item if isinstance(item, str) else item.digest for item in (*asked[2].items, *asked[2].whole))
    other = choices.open_set(choices.other).digest if choices.other else ""
    identity = (opened.fingerprint, opened.device.type, opened.dtype_name)
    return (spaces.space(), choices, *identity, sets, inputs, other)
