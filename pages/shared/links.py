"""Choices that live in the URL: a pasted link reopens a view, and a choice follows from page to page.

Streamlit can bind a widget to the URL by itself (`bind="query-params"`), but then forgets what was chosen as soon
as another page draws the same widget, refuses `st.switch_page` with a value for it, and writes labels in place of
ids. So a choice is kept here: in the session for moving between pages, in the URL for everything else. Each page keeps
its own, since one short word of an address may mean different things on two of them, save for what is `SHARED`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

T = TypeVar("T")
_in_form: ContextVar[bool] = ContextVar("in_form", default=False)
SIDEBAR = frozenset({"model", "device", "dtype", "layer", "concept", "images"})
SHARED = SIDEBAR | {"dictionary", "feature", "limit", "prompt", "text"}  # choices that follow from page to page
LATE = 5.0  # seconds for which the browser may still tell of a URL that was written anew


@dataclass(frozen=True)
class Refused:
    """What a link asked for and could not be had. text: as it stood in the link. taken: what stands in its place."""

    label: str
    text: str
    taken: Any


def linked(
    widget: Callable[..., Any],
    label: str,
    *,
    key: str,
    default: T,
    read: Callable[[str], T] = str,  # type: ignore[assignment]
    write: Callable[[T], str] = str,
    valid: Callable[[T], bool] = lambda _: True,
    always: bool = False,
    goes: bool | None = None,
    **options: Any,
) -> T:
    """Draw `widget` with its value kept in the URL under `key`, and return the value.

    read, write: between the value and its text in the URL; `read` may raise ValueError for nonsense. valid: whether a
    value can be chosen here; else the default is taken. A value that is the default is left out of the URL, unless
    `always`: for defaults that hang on what is in the workspace, and would be others where the link is opened. goes:
    whether a default that nobody chose goes with what it hangs on; None is unless `always`.
    """
    value, text, in_vain, free = _standing(key, default, read, valid)
    st.session_state.setdefault("wanted", {}).pop(key, None)
    # In every run, since the same widget on another page, or over another range, is a new one and would start anew; but
    # not where it has just been moved: what is set here is set in the browser too, and would take back a next move that
    # is on its way. A form that was sent shows its widgets' own defaults again where a value came from here: always.
    if _in_form.get() or not _moved(key, value):
        st.session_state[key] = value
    chosen: T = widget(label, key=key, **options)
    if not valid(chosen):  # emptied by the user
        chosen = default
    _note(key, Refused(label, text, chosen) if in_vain else None, chosen)
    keep(key, chosen, "" if chosen == default and not always else write(chosen))
    if free and chosen == default and (not always if goes is None else goes):
        st.session_state.setdefault("usual", {})[_place(key)] = "" if key in SIDEBAR else _page()
    return chosen


@contextmanager
def linked_form(key: str) -> Iterator[None]:
    """A form of choices that are kept in the URL."""
    with st.form(key, border=True):
        token = _in_form.set(True)
        try:
            yield
        finally:
            _in_form.reset(token)


def follow(choices: Iterable[str]) -> None:
    """A link within the app is about to be followed that says these choices: what it says of them counts."""
    for key in choices:
        st.session_state.get("replaced", {}).pop(key, None)


Place = tuple[str, str]  # a page's name, "" for all of them, and a key


def turn_to(page: str) -> None:
    """From here on, also in callbacks and parts that run alone, choices are this page's."""
    st.session_state["page"] = page


def _page() -> str:
    return str(st.session_state.get("page", ""))


def _place(key: str) -> Place:
    return ("" if key in SHARED else _page(), key)


def _kept() -> dict[Place, Any]:
    found: dict[Place, Any] = st.session_state.setdefault("kept", {})
    return found


def _here(key: str) -> bool:
    """Whether the session's value of a widget is this page's, not that of another page's widget of that key."""
    return key in st.session_state and st.session_state.get("drawn", {}).get(key, _place(key)) == _place(key)


def _moved(key: str, value: Any) -> bool:
    """Whether `value` is what the browser has just made of the widget."""
    if not _here(key) or _place(key) not in _kept():
        return False
    here = st.session_state[key]
    return bool(here == value) and bool(here != _kept()[_place(key)])


def _unchosen(key: str) -> bool:
    """Whether what stands under `key` is a default that nobody chose."""
    place = _place(key)
    if key in st.session_state.get("wanted", {}):
        return False
    if place not in _kept():
        return not _here(key)
    moved = _here(key) and bool(st.session_state[key] != _kept()[place])
    return not moved and place in st.session_state.get("usual", {})


def remembered(key: str, default: Any = None) -> Any:
    """What was last chosen under `key`, for what is decided before or without its widget."""
    return _kept().get(_place(key), default)


def standing(
    key: str,
    *,
    default: T,
    read: Callable[[str], T] = str,  # type: ignore[assignment]
    valid: Callable[[T], bool] = lambda _: True,
) -> T:
    """The value of a choice that is drawn further down, for what stands above it: filled later, it would move all that
    was drawn in between."""
    return _standing(key, default, read, valid)[0]


def _standing(key: str, default: T, read: Callable[[str], T], valid: Callable[[T], bool]) -> tuple[T, str, bool, bool]:
    """A choice's value before its widget is drawn, its text in the link, whether that was asked for in vain, and
    whether nobody has chosen it."""
    wanted = st.session_state.setdefault("wanted", {})
    free = _unchosen(key)
    # Another page's default is better than none of one's own: that is what it is to follow from page to page.
    if free and st.session_state.get("usual", {}).get(_place(key), "") in ("", _page()):
        value = default
    elif key in wanted:
        value = wanted[key]
    else:
        value = st.session_state[key] if _here(key) else remembered(key, default)
    asked, good = linked_text(key), True
    try:
        value = value if asked is None else read(asked)
        good = valid(value)
    except (TypeError, ValueError):  # nonsense in a link, or what another kind of choice left behind
        good = False
    in_vain = asked is not None and not good
    return value if good else default, asked or "", in_vain, not good or (asked is None and free)


def linked_text(key: str) -> str | None:
    """What a link asks for under `key`; None if nothing stands there, or what was written by us."""
    text = st.query_params.get(key)
    drawn = st.session_state.get("drawn", {}).get(key) == _place(key)  # else what was written is another page's
    written = st.session_state.get("written", {}).get(key) if drawn else None
    ours = text is None or text == written or _outdated(key, text)
    return None if ours else text


def _outdated(key: str, text: str) -> bool:
    """Whether `text` stood in the URL until a moment ago.

    With each choice a browser says where it is. The second of two in a row is made before it has heard what the first
    one wrote there: that is no link. The browser's own way back is one.
    """
    context = get_script_run_ctx(suppress_warning=True)
    if context is not None and context.is_history_navigation:
        return False
    replaced: dict[str, float] = st.session_state.get("replaced", {}).get(key, {})
    return time.monotonic() - replaced.get(text, -LATE) < LATE


def refused() -> list[Refused]:
    """What links asked for in vain, as long as what was taken in its place still stands."""
    noted: dict[Place, Refused] = st.session_state.get("refused", {})
    return [one for place, one in noted.items() if place == _place(place[1])]


def _note(key: str, found: Refused | None, chosen: Any) -> None:
    noted: dict[Place, Refused] = st.session_state.setdefault("refused", {})
    place = _place(key)
    if found is not None:
        noted[place] = found
    elif place in noted and noted[place].taken != chosen:
        del noted[place]


def keep(key: str, value: Any, text: str) -> None:
    """Remember `value` for when it is drawn again, and as `text` in the URL ("" leaves it out)."""
    _remember(key, value)
    written: dict[str, str] = st.session_state.setdefault("written", {})
    now, there = time.monotonic(), st.query_params.get(key)
    replaced = st.session_state.setdefault("replaced", {})
    old = {text: at for text, at in replaced.get(key, {}).items() if now - at < LATE}
    replaced[key] = old | {gone: now for gone in (written.get(key), there) if gone not in (None, text)}
    if text:
        written[key] = text
        if st.query_params.get(key) != text:
            st.query_params[key] = text
    else:
        written.pop(key, None)
        if key in st.query_params:
            del st.query_params[key]


def choose(key: str, value: Any) -> None:
    """Set a choice from a callback, before its widget is drawn again."""
    st.session_state[key] = value
    _remember(key, value)


def _remember(key: str, value: Any) -> None:
    place = _place(key)
    _kept()[place] = value
    st.session_state.setdefault("drawn", {})[key] = place
    st.session_state.setdefault("usual", {}).pop(place, None)


def want(key: str, value: Any) -> None:
    """Set a choice whose widget has been drawn already: it holds from the next run on."""
    st.session_state.setdefault("wanted", {})[key] = value


def exact(value: float) -> str:
    """A number as text in the URL: short if that loses nothing."""
    short = f"{value:g}"
    return short if float(short) == value else repr(float(value))


def comma(values: Iterable[Any]) -> str:
    """A list as text in the URL."""
    return ",".join(map(str, values))


def restore(choices: dict[str, str]) -> None:
    """From a callback: forget all choices but these, which are taken as from a link."""
    for key in {*(key for _, key in _kept()), *choices}:
        st.session_state.pop(key, None)
    for noted in ("kept", "usual", "drawn", "written", "refused", "replaced"):
        st.session_state[noted] = {}
    st.query_params.from_dict(choices)
