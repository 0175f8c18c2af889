"""Whose part of the workspace counts: on one's own machine there is one for all, on a server each user has a space.

`users/<space>/` is laid out as the workspace itself. All that is written goes there. What is read is looked for there,
and then in the shared library, which is the folders of the workspace that LIBRARY names; nobody writes into those, and
nobody's space is ever looked into for somebody else. A space comes, in this order, from `within`, from whoever was
given to `ask_with` (the pages, who know who is signed in), and from the environment of a job.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from core.errors import UserError

USERS = "users"
PARTS = "parts"  # folder of half-written files, on the same file system as everything else
VARIABLE = "CONCEPTSCOPE_SPACE"
# Folders of the workspace that everybody may read. Jobs, prompts and the accounts are not among them.
LIBRARY = frozenset(
    (
        *("activations", "dictionaries", "directions", "examples", "exports", "images"),
        *("indexes", "lenses", "models", "notes", "recipes", "results"),
    )
)

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_within: ContextVar[str | None] = ContextVar("space", default=None)
_ask: Callable[[], str | None] = lambda: None  # noqa: E731


def space() -> str:
    """Name of the present space; "" where the whole workspace is meant.

    Raises UserError where a server asks and nobody is signed in: no way of asking falls back on everything.
    """
    here = _within.get()
    if here is not None:
        return here
    asked = _ask()
    return checked_space(asked if asked is not None else os.environ.get(VARIABLE, ""))


def ask_with(ask: Callable[[], str | None]) -> None:
    """Have `ask` say the present space: a name, "" for the whole workspace, None if it is not for it to say.

    It raises UserError where somebody has to sign in first.
    """
    global _ask
    _ask = ask


@contextmanager
def within(name: str) -> Iterator[None]:
    """In this block (of this thread) the space is `name`; "" is the whole workspace."""
    token = _within.set(checked_space(name))
    try:
        yield
    finally:
        _within.reset(token)


def require_owner(what: str) -> None:
    """Raises UserError, naming `what`, in the space of a server's user."""
    if space():
        raise UserError(f"{what} is for whoever runs the server, on its command line.")


def checked_space(name: str) -> str:
    """`name` if it can be that of a space, or "". Raises UserError."""
    if name and not _NAME.fullmatch(name):
        raise UserError(f"{name[:64]!r} cannot be the name of a space.")
    return name
