"""The accounts: `accounts.json` in the workspace, which no page reads out and only the command line writes.

An account has a name, which is what one types, and a space, which is a folder's name that nobody types. A name that is
given up and given to somebody else later comes with another space.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core import spaces, whole_folders, workspace
from core.accounts.passwords import Kept
from core.errors import UserError
from core.locks import held

FORMAT = 1
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,31}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
_read: dict[Path, tuple[tuple[int, ...], dict[str, Account]]] = {}  # the last state of each file, by what it looks like


@dataclass(frozen=True)
class Account:
    """name: as it is typed, in small letters. space: the folder of what is theirs. made: when, in UTC. password: None
    for one that comes in by the address of its e-mail alone. email: as an identity provider has it, "" for none."""

    name: str
    space: str
    password: Kept | None
    made: str
    email: str = ""


def list_accounts() -> list[Account]:
    """All accounts, by name; none where the file is missing. Raises UserError where it is damaged."""
    return [account for _, account in sorted(_accounts().items())]


def account_of(name: str) -> Account | None:
    """The account of that name, in whatever case it is typed; None if there is none."""
    return _accounts().get(plain_name(name))


def account_by_email(email: str) -> Account | None:
    """The account that was made for this address, which an identity provider vouches for; None if there is none."""
    wanted = email.strip().lower()
    found = [one for one in _accounts().values() if one.email and one.email == wanted]
    return found[0] if len(found) == 1 else None


def add_account(name: str, password: str | None, *, email: str = "", replace: bool = False) -> Account:
    """Make an account, or with `replace` give it another password or address; what is not given stays.

    password: None where it comes in by `email` alone. Raises UserError for an unfit or taken name.
    """
    name = plain_name(name)
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{name[:40]!r} cannot be an account's name: use up to 32 small letters, digits, '_', '.' or '-', a letter "
            "or digit first."
        )
    email = email.strip().lower()
    if (password is None and not email) or (email and not _EMAIL.fullmatch(email)):
        raise UserError(f"{email[:80]!r} is no address of an e-mail; write it as anna@example.org.")
    kept = None if password is None else Kept.of(password)
    with _changing() as accounts:
        before = accounts.get(name)
        if before is not None and not replace:
            raise UserError(f"There is an account called {name!r} already; --replace gives it another password.")
        if email and any(one.email == email and one.name != name for one in accounts.values()):
            raise UserError(f"Another account is for {email} already.")
        space = before.space if before else f"{name.replace('.', '-')}-{secrets.token_hex(4)}"
        made = before.made if before else datetime.now(UTC).isoformat(timespec="seconds")
        if before is not None:
            kept, email = kept or before.password, email or before.email
        accounts[name] = Account(name, spaces.checked_space(space), kept, made, email)
        return accounts[name]


def remove_account(name: str) -> Account:
    """Take an account away: all who use it are signed out. What is theirs stays; see `delete_space`."""
    with _changing() as accounts:
        account = accounts.pop(plain_name(name), None)
        if account is None:
            raise UserError(f"There is no account called {name[:40]!r}.")
    return account


def delete_space(account: Account) -> None:
    """Delete what was saved under an account that is gone. Raises UserError for what cannot be deleted."""
    folder = folder_of(account)
    if folder.exists():
        whole_folders.remove_folder(folder)


def folder_of(account: Account) -> Path:
    """Where what is theirs lies, or will."""
    return workspace.shared() / spaces.USERS / spaces.checked_space(account.space)


def plain_name(name: str) -> str:
    """A name as it is kept; what looks like another name (Cyrillic letters, wide ones) stays what it is: unknown."""
    return name.strip().lower() if name.isascii() else name[:200]


def _accounts() -> dict[str, Account]:
    path = _path()
    try:
        status = path.stat()
    except OSError:
        return {}
    state = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)
    known = _read.get(path)
    if known is None or known[0] != state:
        known = _read[path] = (state, _parsed(path))
    return known[1]


def _parsed(path: Path) -> dict[str, Account]:
    value = workspace.read_json(path)
    try:
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise ValueError("not of this format")
        found = {}
        for name, one in value["accounts"].items():
            if not _NAME.fullmatch(name) or not one["space"]:
                raise ValueError("a name that is none")
            password = None if one["password"] is None else Kept.from_json(one["password"])
            space, email = spaces.checked_space(one["space"]), str(one.get("email", ""))
            found[name] = Account(name, space, password, str(one["made"]), email)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{path} is damaged; mend it, or move it away and add the accounts anew.") from None
    return found


@contextmanager
def _changing() -> Iterator[dict[str, Account]]:
    """The accounts, to be changed; written back at the end, by one program at a time."""
    spaces.require_owner("Keeping accounts")
    with held("locks", "accounts.lock"):
        accounts = dict(_accounts())
        yield accounts
        lines: dict[str, Any] = {
            name: {
                "space": one.space,
                "made": one.made,
                "email": one.email,
                "password": one.password and one.password.to_json(),
            }
            for name, one in sorted(accounts.items())
        }
        workspace.write_json(_path(), {"format": FORMAT, "accounts": lines})


def _path() -> Path:
    return workspace.shared() / "accounts.json"
