"""Who is signed in: long random words that a browser keeps, of which the server's process remembers a hash.

They are of no use once one has signed out, after LASTS, once the account is gone or has another password, and after
the server was started anew.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from core.accounts.book import account_of, list_accounts, plain_name
from core.accounts.passwords import Kept
from core.accounts.slowing import Slowing
from core.errors import UserError

LASTS = 12 * 3600.0  # seconds
MOST = 10_000  # tokens at once
WRONG = "This name and this password do not belong together."


class TooSoon(UserError):
    """An attempt that was not looked at. seconds: after which the next one is."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"Too many wrong passwords: wait {max(1, round(seconds))} s, then try again.")


@dataclass(frozen=True)
class SignedIn:
    """name: the account's. space: where what is theirs lies."""

    name: str
    space: str


@dataclass(frozen=True)
class _Kept:
    who: SignedIn
    password: Kept
    until: float


class Doorkeeper:
    """Of one server. clock: seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._slowing = Slowing(clock)
        self._tokens: dict[str, _Kept] = {}

    def sign_in(self, name: str, password: str, address: str) -> str:
        """A token for whoever knows the password. Raises UserError, which does not tell whether there is such a name;
        TooSoon where the attempt was not looked at."""
        name = plain_name(name)[:200]
        wait = self._slowing.begin(name, address)
        if wait > 0:
            raise TooSoon(wait)
        account = account_of(name)
        like = next((one.password for one in list_accounts() if one.password), None)
        kept = account.password if account and account.password else Kept.of_nobody(like)
        if not kept.fits(password) or account is None or account.password is None:
            raise UserError(WRONG)
        self._slowing.succeeded(name, address)
        token = secrets.token_urlsafe(32)
        with self._lock:
            now = self._clock()
            for key in [key for key, one in self._tokens.items() if one.until < now]:
                del self._tokens[key]
            while len(self._tokens) >= MOST:
                del self._tokens[next(iter(self._tokens))]
            self._tokens[_hash(token)] = _Kept(SignedIn(account.name, account.space), kept, now + LASTS)
        return token

    def signed_in(self, token: str) -> SignedIn | None:
        """Whose token it is; None for one that does not count, or no more."""
        with self._lock:
            one = self._tokens.get(_hash(token))
        if one is None or one.until < self._clock():
            return None
        try:
            account = account_of(one.who.name)
        except UserError:  # the file is damaged: nobody is let in by it
            return None
        same = account is not None and account.space == one.who.space and account.password == one.password
        return one.who if same else None

    def sign_out(self, token: str) -> None:
        """No token of whoever has this one counts any more, in whatever session and browser."""
        with self._lock:
            one = self._tokens.get(_hash(token))
            for key in [key for key, other in self._tokens.items() if one is not None and other.who == one.who]:
                del self._tokens[key]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", errors="surrogatepass")).hexdigest()


_here = Doorkeeper()


def sign_in(name: str, password: str, address: str) -> str:
    """See Doorkeeper; of this process."""
    return _here.sign_in(name, password, address)


def signed_in(token: str) -> SignedIn | None:
    """See Doorkeeper; of this process."""
    return _here.signed_in(token)


def sign_out(token: str) -> None:
    """See Doorkeeper; of this process."""
    _here.sign_out(token)
