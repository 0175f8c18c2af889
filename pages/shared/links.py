"""Choices that live in the URL: a pasted link reopens a view, and a choice follows from page to page.

Streamlit can bind a widget to the URL by itself (`bind="query-params"`), but then forgets what was chosen as soon
as another page draws the same widget, refuses `st.switch_page` with a value for it, and writes labels in place of
ids. So a choice is kept here: in the session for moving between pages, in the URL for everything else.
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
    **options: Any,
) -> T:
    """Draw `widget` with its value kept in the URL under `key`, and return the value.

    read, write: between the value and its text in the URL; `read` may raise ValueError for nonsense. valid: whether a
    value can be chosen here; else the default is taken. A value that is the default is left out of the URL.
    """
    value, text, in_vain = _standing(key, default, read, valid)
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
    keep(key, chosen, "" if chosen == default else write(chosen))
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


def _moved(key: str, value: Any) -> bool:
    """Whether `value` is what the browser has just made of the widget."""
    kept: dict[str, Any] = st.session_state.get("kept", {})
    here = st.session_state.get(key)
    return key in kept and key in st.session_state and bool(here == value) and bool(here != kept[key])


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


def _standing(key: str, default: T, read: Callable[[str], T], valid: Callable[[T], bool]) -> tuple[T, str, bool]:
    """A choice's value before its widget is drawn, its text in the link, and whether that was asked for in vain."""
    kept: dict[str, Any] = st.session_state.setdefault("kept", {})
    wanted = st.session_state.setdefault("wanted", {})
    value = wanted[key] if key in wanted else st.session_state.get(key, kept.get(key, default))
    asked, readable = linked_text(key), True
    if asked is not None:
        try:
            value = read(asked)
        except ValueError:
            readable = False
    good = readable and valid(value)
    return value if good else default, asked or "", asked is not None and not good


def linked_text(key: str) -> str | None:
    """What a link asks for under `key`; None if nothing stands there, or what was written by us."""
    text = st.query_params.get(key)
    ours = text is None or text == st.session_state.get("written", {}).get(key) or _outdated(key, text)
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
    noted: dict[str, Refused] = st.session_state.get("refused", {})
    return list(noted.values())


def _note(key: str, found: Refused | None, chosen: Any) -> None:
    noted: dict[str, Refused] = st.session_state.setdefault("refused", {})
    if found is not None:
        noted[key] = found
    elif key in noted and noted[key].taken != chosen:
        del noted[key]


def keep(key: str, value: Any, text: str) -> None:
    """Remember `value` for other pages, and as `text` in the URL ("" leaves it out)."""
    st.session_state.setdefault("kept", {})[key] = value
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
    st.session_state.setdefault("kept", {})[key] = value


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
    kept: dict[str, Any] = st.session_state.get("kept", {})
    for key in [*kept, *choices]:
        st.session_state.pop(key, None)
    for noted in ("kept", "written", "refused", "replaced"):
        st.session_state[noted] = {}
    st.query_params.from_dict(choices)
