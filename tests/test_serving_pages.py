"""Two users of one server, through pages, links, file names, exports and what the server keeps in memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import streamlit as st

from core import workspace
from core.accounts import Account
from core.examples import from_lists, save_examples
from core.examples.saved import path_of
from core.spaces import within
from pages.shared import downloads
from tests.pages import PAGES
from tests.people import HERS, SECRET, shown, visit


def _ways_to(people: dict[str, Account]) -> list[tuple[str, dict[str, str]]]:
    """Links that ask for what is Anna's by its name, and by where it lies."""
    folder = workspace.shared() / "users" / people["anna"].space
    model = str(folder / "exports" / HERS)
    table = str(folder / "examples" / f"{HERS}.jsonl")
    return [
        *((page, {"concept": HERS}) for page in ("concept", "probing", "tcav", "steering", "features")),
        *((page, {"concept": table}) for page in ("concept", "probing")),
        *((page, {"model": model}) for page in ("concept", "probing", "tcav", "lens", "features", "steering")),
        ("library", {"view": "examples", "set": HERS}),
        ("library", {"view": "examples", "set": f"../users/{people['anna'].space}/examples/{HERS}"}),
        ("library", {"view": "directions", "looked": HERS}),
        ("probing", {"panel": "live", "reader": f"saved:{HERS}"}),
        ("steering", {"from": "saved", "direction": HERS}),
        ("steering", {"from": "sum", "sum": f"{HERS} + {HERS}"}),
        ("features", {"dictionary": HERS}),
        ("features", {"dictionary": str(folder / "dictionaries" / HERS)}),
        ("tcav", {"concepts": HERS, "inputs": table, "other": HERS}),
        ("jobs", {"job": HERS}),
    ]


@pytest.mark.parametrize("page", PAGES)
def test_no_page_shows_one_user_what_is_anothers(page: str, people: dict[str, Account]) -> None:
    hers = visit(page, "anna")  # what she has seen may be in the server's memory
    assert not hers.exception
    his = visit(page, "bert")
    assert [one.label for one in his.button if one.label in ("Sign in", "Sign out")] == ["Sign out"]
    assert not his.exception
    assert his.title[0].value
    assert HERS not in shown(his)


def test_no_link_shows_one_user_what_is_anothers(people: dict[str, Account]) -> None:
    assert SECRET in shown(visit("library", "anna", view="examples", set=HERS))
    for page, query in _ways_to(people):
        his = visit(page, "bert", **query)
        assert not his.exception, (page, query)
        # What stands in the link may be repeated; what it names may not be shown.
        assert SECRET not in shown(his), (page, query)
        assert [one.label for one in his.button if one.label == "Sign out"], (page, query)


def test_a_download_is_made_for_whoever_was_shown_the_button(
    people: dict[str, Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streamlit makes it in a thread of its own, where nobody is signed in."""
    given: list[Any] = []
    monkeypatch.setattr(st, "download_button", lambda label, data, **_: given.append(data))
    for name in ("anna", "bert"):
        with within(people[name].space):
            downloads.download_button("x", lambda: str(workspace.home()))
    assert [Path(made()).name for made in given] == [people[name].space for name in ("anna", "bert")]
    with pytest.raises(Exception, match="Sign in first"):
        workspace.home()


def test_every_cache_of_the_pages_keeps_users_apart(people: dict[str, Account]) -> None:
    """The same ids, one after the other: what the first was given is not given to the second."""
    from pages.shared import cached, cached_tcav

    with within(people["anna"].space):
        assert HERS in cached.all_examples()
        assert cached.examples(HERS, None).texts
        assert f"saved/{HERS}" in cached.all_images()
        assert cached_tcav.images(f"saved/{HERS}", None).images
    with within(people["bert"].space):
        assert HERS not in cached.all_examples()
        assert f"saved/{HERS}" not in cached.all_images()
        for ask in (lambda: cached.examples(HERS, None), lambda: cached_tcav.images(f"saved/{HERS}", None)):
            with pytest.raises(Exception, match=r"no saved images|no examples"):
                ask()


def test_sets_of_one_name_that_look_the_same_from_outside_are_kept_apart(people: dict[str, Account]) -> None:
    from pages.shared import cached

    for name in ("anna", "bert"):
        with within(people[name].space):
            save_examples(
                from_lists([f"{name} {i} up" for i in range(4)], [f"{name} {i} no" for i in range(4)], "x"), "x"
            )
            os.utime(path_of("x"), ns=(10**18, 10**18))
    for name in ("anna", "bert"):
        with within(people[name].space):
            assert all(text.startswith(name) for text in cached.examples("x", None).texts)
