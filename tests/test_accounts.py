"""Accounts: passwords are kept stretched, wrong ones tell nothing, and signing out counts."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest

from core import accounts, workspace
from core.accounts import add_account, list_accounts, passwords, remove_account
from core.accounts.book import account_of, delete_space, folder_of
from core.accounts.passwords import Kept
from core.accounts.signed_in import LASTS, WRONG, Doorkeeper
from core.accounts.slowing import CALM
from core.errors import UserError
from core.spaces import within
from tests.commands import fails, run
from tests.people import GOOD, Clock

BAD = "wrong horse battery"
HERE = "192.0.2.1"


pytestmark = pytest.mark.usefixtures("cheap_passwords")


def test_a_password_is_kept_as_the_standard_says() -> None:
    kept = Kept.of(GOOD)
    again = hashlib.scrypt(GOOD.encode(), salt=bytes.fromhex(kept.salt), n=kept.n, r=8, p=1, dklen=32).hex()
    assert kept.key == again
    assert kept.fits(GOOD)
    assert not any(kept.fits(other) for other in (BAD, GOOD.upper(), GOOD + " ", "", GOOD[:-1]))
    assert Kept.of(GOOD).key != kept.key, "each has a salt of its own"
    # RFC 7914, section 12: the second test vector, cut to 32 bytes.
    vector = Kept(b"NaCl".hex(), "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162", 1024, 8, 16)
    assert vector.fits("password")


def test_letters_typed_in_either_form_of_unicode_are_one_password() -> None:
    assert Kept.of("h\u00e9 h\u00e9 h\u00e9 h\u00e9").fits("he\u0301 he\u0301 he\u0301 he\u0301")


@pytest.mark.parametrize("password", ["", "short", "x" * 9, "x" * 1001])
def test_passwords_that_are_too_short_or_absurd_are_refused(password: str, home: Path) -> None:
    with pytest.raises(UserError, match="10 to 1,000 characters"):
        add_account("anna", password)
    assert list_accounts() == []


def test_the_file_holds_no_password_and_is_for_its_owner_alone(home: Path) -> None:
    add_account("anna", GOOD)
    path = home / "accounts.json"
    assert GOOD not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", "..", "a/b", "-a", "\u0430nna", "ａnna", "x" * 33, "a b", "K\u212a"])
def test_names_that_are_none(name: str, home: Path) -> None:
    with pytest.raises(UserError, match="cannot be an account's name"):
        add_account(name, GOOD)


def test_names_are_the_same_in_capitals_and_look_alikes_are_unknown(home: Path) -> None:
    add_account("Anna", GOOD)
    assert account_of("ANNA").name == "anna"
    with pytest.raises(UserError, match="already"):
        add_account("aNNa", GOOD)
    for other in ("\u0430nna", "ａｎｎａ", "anna\u200b", "anna\0", "../anna", "users/anna"):
        assert account_of(other) is None


def test_a_name_given_to_somebody_else_comes_with_another_space(home: Path) -> None:
    first = add_account("anna", GOOD)
    with within(first.space):
        workspace.write_json(workspace.place("results", "x.json"), {})
    remove_account("anna")
    assert folder_of(first).is_dir()
    second = add_account("anna", GOOD)
    assert first.space != second.space
    assert add_account("anna", None, email="anna@example.org", replace=True).password == second.password
    again = add_account("anna", BAD, replace=True)
    assert (again.space, again.email) == (second.space, "anna@example.org")
    delete_space(remove_account("anna"))
    assert folder_of(first).is_dir()
    assert not folder_of(second).exists()


def test_a_damaged_file_lets_nobody_in_and_is_not_written_over(door: Doorkeeper, home: Path, clock: Clock) -> None:
    path = home / "accounts.json"
    sound = json.loads(path.read_text())
    for damage in ("{", "[]", json.dumps({**sound, "format": 9}), json.dumps({"format": 1, "accounts": {"a": {}}})):
        path.write_text(damage)
        clock.now += CALM
        for ask in (list_accounts, lambda: door.sign_in("anna", GOOD, HERE), lambda: add_account("carl", GOOD)):
            with pytest.raises(UserError, match="damaged"):
                ask()
        assert path.read_text() == damage


def test_a_user_of_a_server_makes_no_accounts(home: Path) -> None:
    with within("anna-1"), pytest.raises(UserError, match="whoever runs the server"):
        add_account("carl", GOOD)


def test_a_wrong_name_and_a_wrong_password_get_the_same_sentence_at_the_same_cost(
    door: Doorkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid: list[tuple[int, int, int]] = []
    stretch = hashlib.scrypt

    def counted(data: bytes, **how: int) -> bytes:
        paid.append((how["n"], how["r"], how["p"]))
        return stretch(data, **how)

    monkeypatch.setattr(passwords.hashlib, "scrypt", counted)
    for number, name in enumerate(("anna", "nobody", "../anna", "\u0430nna", "")):
        with pytest.raises(UserError) as refused:
            door.sign_in(name, BAD, f"192.0.2.{number}")
        assert str(refused.value) == WRONG
    assert paid == [(16, 8, 1)] * 5


def test_a_token_counts_until_one_signs_out_or_time_is_up(door: Doorkeeper, clock: Clock) -> None:
    token, other = door.sign_in("anna", GOOD, HERE), door.sign_in("Anna ", GOOD, HERE)
    assert door.signed_in(token).name == "anna"
    assert token != other
    for wrong in ("", token[:-1], token + "x", other.swapcase(), "anna", "\ud800"):
        assert door.signed_in(wrong) is None
    his = door.sign_in("bert", "another good password", HERE)
    door.sign_out(token)
    assert door.signed_in(token) is None
    assert door.signed_in(other) is None  # of another browser
    clock.now += LASTS - 1
    assert door.signed_in(his) is not None
    clock.now += 2
    assert door.signed_in(his) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda: remove_account("anna"),
        lambda: add_account("anna", BAD, replace=True),
        lambda: (remove_account("anna"), add_account("anna", GOOD)),
    ],
)
def test_a_token_ends_with_its_account_and_its_password(door: Doorkeeper, change: object) -> None:
    token = door.sign_in("anna", GOOD, HERE)
    change()
    assert door.signed_in(token) is None


def test_the_command_line_adds_lists_and_removes(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    piped = tmp_path / "password"
    piped.write_text(f"{GOOD}\nmore\n")
    with piped.open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert run(capsys, "accounts", "add", "anna")["name"] == "anna"
    assert account_of("anna").password.fits(GOOD)
    (listed,) = run(capsys, "accounts")["accounts"]
    assert listed["name"] == "anna"
    assert "password" not in listed
    assert "no account" in fails(capsys, "accounts", "remove", "bert")
    assert run(capsys, "accounts", "remove", "anna")["space_deleted"] is False
    assert run(capsys, "accounts")["accounts"] == []


def test_an_account_without_a_password_opens_with_none(home: Path, clock: Clock) -> None:
    add_account("carl", None, email=" Carl@Example.org")
    assert accounts.account_by_email("carl@example.ORG").name == "carl"
    assert accounts.account_by_email("") is None
    for word in ("", "None", "carl@example.org", GOOD):
        with pytest.raises(UserError, match=r"do not belong together|wait"):
            Doorkeeper(clock).sign_in("carl", word, HERE)
    with pytest.raises(UserError, match="Another account"):
        add_account("dora", GOOD, email="carl@example.org")
    for address in ("", "carl", "a b@c", "@", "a@b@c"):
        with pytest.raises(UserError, match="no address"):
            add_account("dora", None, email=address)


def test_at_a_terminal_the_password_is_typed_twice(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    typed = iter([GOOD, BAD])
    monkeypatch.setattr("getpass.getpass", lambda _: next(typed))
    assert "two different" in fails(capsys, "accounts", "add", "anna")
    assert accounts.list_accounts() == []
