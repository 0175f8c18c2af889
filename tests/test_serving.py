"""A server for several people: it shows nothing without accounts, and nothing to anybody without a password."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from core import accounts, spaces
from core.accounts import Account, add_account, remove_account
from core.cli import serve
from core.spaces import within
from pages.shared import door
from tests.commands import fails
from tests.pages import PAGES, ROOT, SECONDS, open_alone, open_through_app
from tests.people import HERS, WORDS, shown, sign_in, visit

pytestmark = pytest.mark.usefixtures("fresh_door")


@pytest.fixture
def address() -> Iterator[Any]:
    before = config.get_option("server.address")
    yield lambda value: config.set_option("server.address", value)
    config.set_option("server.address", before)


@pytest.mark.parametrize("value", ["0.0.0.0", "::", "192.0.2.1", "class.example.org", "unix:///tmp/x", "", None])
def test_an_address_that_others_reach_shows_nothing_without_accounts(
    value: str | None, address: Any, home_with_model: Path
) -> None:
    address(value)
    for app in (open_through_app("home"), open_alone("library"), open_alone("jobs", view="directions")):
        assert [one.value for one in app.error] == [door.CLOSED]
        assert not app.exception
        assert not app.title
        assert not app.sidebar.children
        assert not app.button


@pytest.mark.parametrize("value", ["127.0.0.1", "localhost", "::1", "127.0.0.53"])
def test_on_this_machine_nobody_is_asked_anything(value: str, address: Any, home_with_model: Path) -> None:
    address(value)
    add_account("anna", WORDS["anna"])
    app = open_through_app("library")
    assert not app.error
    assert app.title[0].value == "Library"
    assert not [one for one in app.button if one.label == "Sign out"]


def test_the_sockets_count_whatever_the_options_say() -> None:
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        own.listen()
        assert not door._listens_beyond()
        door._listens_beyond.cache_clear()
        with socket.socket() as open_:
            open_.bind(("0.0.0.0", 0))
            open_.listen()
            assert door._listens_beyond()
            assert door.is_serving()


def test_told_to_serve_without_accounts_it_shows_nothing(
    home_with_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONCEPTSCOPE_SERVE", "1")
    assert [one.value for one in open_through_app("home").error] == [door.CLOSED]
    (home_with_model / "accounts.json").write_text("{damaged")
    assert [one.value for one in open_through_app("home").error] == [door.CLOSED]


def test_the_command_refuses_without_accounts(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["serve"], ["serve", "--address", "0.0.0.0"], ["serve", "--host", "class.example.org"]):
        assert "accounts add NAME" in fails(capsys, *arguments)
    (home / "accounts.json").write_text("{damaged")
    assert "damaged" in fails(capsys, "serve")


def test_make_says_why_it_does_not_serve(home: Path) -> None:
    """As `make serve` runs it: the recipe alone, since the environment is there."""
    told = subprocess.run(["make", "-n", "serve", "ADDRESS=0.0.0.0", "PORT=8640", "HOST=a.example b.example"], cwd=ROOT,
                          capture_output=True, text=True, check=True).stdout  # fmt: skip
    assert "-m core serve --address 0.0.0.0 --port 8640 --host a.example --host b.example" in told
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.search(r"make serve +\S", listed)


def test_the_command_starts_what_was_asked_for(home: Path) -> None:
    add_account("anna", WORDS["anna"])
    words, more = serve.command("0.0.0.0", 8640, [])
    assert more["CONCEPTSCOPE_SERVE"] == "1"
    assert words[words.index("--server.address") + 1] == "0.0.0.0"
    assert words[words.index("--server.headless") + 1] == "true"
    assert words[-2:] == ["--server.allowedHosts", "*"]
    words, _ = serve.command("127.0.0.1", 8640, ["class.example.org"])
    assert [words[i + 1] for i, word in enumerate(words) if word == "--server.allowedHosts"] == [
        *("localhost", "127.0.0.1", "class.example.org"),
    ]
    with within("anna-1"), pytest.raises(Exception, match="whoever runs the server"):
        serve.command("127.0.0.1", 8640, [])


@pytest.mark.parametrize("page", PAGES)
def test_before_signing_in_no_page_shows_anything(page: str, people: dict[str, Account]) -> None:
    for app in (open_alone(page), open_alone(page, model="smollm2", view="directions", concept=HERS)):
        assert not app.exception
        assert [one.label for one in app.button] == ["Sign in"]
        assert [one.label for one in app.text_input] == ["Name", "Password"]
        assert not app.sidebar.children
        assert HERS not in shown(app)


def test_a_wrong_password_gets_one_sentence_and_soon_has_to_wait(people: dict[str, Account]) -> None:
    app, said = visit("home"), []
    for name, word in (("anna", "x"), ("nobody", "x"), ("\u0430nna", WORDS["anna"]), ("anna", WORDS["bert"])):
        sign_in(app, name, word)
        assert not app.sidebar.children
        said.append(app.error[0].value)
    assert len(set(said[:3])) == 1
    assert "wait" in said[3]
    other = visit("home")  # a new session of the same visitor
    assert "wait" in sign_in(other, "anna").error[0].value
    assert not other.sidebar.children


def test_the_right_password_opens_the_link_that_was_asked_for(people: dict[str, Account]) -> None:
    app = sign_in(visit("library", view="directions", looked=HERS), "anna")
    assert not app.exception
    assert app.title[0].value == "Library"
    assert HERS in shown(app)
    assert any("anna" in one.value for one in app.sidebar.caption)


def test_signing_out_leaves_nothing_and_another_user_starts_anew(people: dict[str, Account]) -> None:
    app = sign_in(visit("library", view="directions"), "anna")
    token = app.session_state[door.TOKEN]
    assert HERS in shown(app)
    app.button(key="door_out").click().run()
    assert HERS not in shown(app)
    assert [one.label for one in app.button] == ["Sign in"]
    assert accounts.signed_in(token) is None
    app.query_params["view"] = "directions"
    sign_in(app, "bert")
    assert app.title[0].value == "Library"
    assert HERS not in shown(app)


def test_who_comes_next_in_the_same_tab_finds_nothing_of_the_last(people: dict[str, Account]) -> None:
    app = sign_in(visit("library", view="directions", looked=HERS), "anna")
    app.session_state["drafts"] = "what Anna typed"
    accounts.sign_out(app.session_state[door.TOKEN])  # as in another tab, or after twelve hours
    app.run()
    assert [one.label for one in app.button] == ["Sign in"]
    sign_in(app, "bert")
    assert "drafts" not in app.session_state
    assert "looked" not in app.query_params
    assert HERS not in shown(app)


def test_another_accounts_token_is_not_put_into_an_open_page(people: dict[str, Account]) -> None:
    """As when a page that lost its connection comes back, and the browser says who signed in meanwhile."""
    app = sign_in(visit("library", view="directions", looked=HERS), "anna")
    app.session_state["drafts"] = "what Anna typed"
    app.session_state[door.TOKEN] = accounts.sign_in("bert", WORDS["bert"], "192.0.2.9")
    app.run()
    assert [one.label for one in app.button] == ["Continue"]
    assert "drafts" not in app.session_state
    app.button[0].click().run()
    assert any("bert" in one.value for one in app.sidebar.caption)
    assert HERS not in shown(app)


def test_who_loses_the_account_is_out_at_the_next_click(people: dict[str, Account]) -> None:
    app = sign_in(visit("home"), "anna")
    with spaces.within(""):
        remove_account("anna")
    app.run()
    assert [one.label for one in app.button] == ["Sign in"]


@pytest.mark.parametrize(
    ("told", "inside"),
    [
        ({"is_logged_in": True, "email": "Anna@example.org", "email_verified": True}, True),
        ({"is_logged_in": True, "email": "anna@example.org", "email_verified": False}, False),
        ({"is_logged_in": True, "email": "anna@example.org"}, False),
        ({"is_logged_in": False, "email": "anna@example.org", "email_verified": True}, False),
        ({"is_logged_in": True, "email": "eve@example.org", "email_verified": True}, False),
        ({"is_logged_in": True, "email": "", "email_verified": True}, False),
        ({"is_logged_in": True, "email_verified": True}, False),
    ],
)
def test_an_identity_provider_lets_in_verified_addresses_that_have_an_account(
    told: dict[str, object], inside: bool, people: dict[str, Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    with spaces.within(""):
        add_account("anna", WORDS["anna"], email="anna@example.org", replace=True)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS)
    app.user = told
    assert not app.run().sidebar.children, "without a provider in the secrets nothing counts that it is said to say"
    monkeypatch.setattr(door, "has_provider", lambda: True)
    app.user = told
    app.run()
    assert not app.exception
    assert bool(app.sidebar.children) is inside
