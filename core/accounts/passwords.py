"""Passwords as they are kept: salted and stretched by scrypt (RFC 7914), never as they are.

With n=2^15, r=8, p=1 a guess takes 32 MB of memory and about a tenth of a second of one core.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import unicodedata
from dataclasses import asdict, dataclass
from typing import Any

from core.errors import UserError

COST = 1 << 15
SHORTEST, LONGEST = 10, 1_000  # characters
_turn = threading.Lock()  # one at a time, so that many guesses at once take no more memory than one


@dataclass(frozen=True)
class Kept:
    """What is kept of a password. salt, key: hexadecimal. n, r, p: cost, as in RFC 7914."""

    salt: str
    key: str
    n: int
    r: int = 8
    p: int = 1

    @classmethod
    def of(cls, password: str) -> Kept:
        """Raises UserError for one that is too short to withstand guessing, or absurdly long."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise UserError(f"A password has {SHORTEST} to {LONGEST:,} characters; several words are easy to remember.")
        empty = cls(secrets.token_hex(16), "", COST)
        return cls(empty.salt, empty._stretched(password), COST)

    @classmethod
    def of_nobody(cls, like: Kept | None) -> Kept:
        """What no password fits, at the same cost as `like`: an unknown name takes as long as a known one."""
        n, r, p = (like.n, like.r, like.p) if like else (COST, 8, 1)
        return cls("00" * 16, secrets.token_hex(32), n, r, p)

    @classmethod
    def from_json(cls, value: Any) -> Kept:
        """Raises ValueError for what is none, or would cost too much to check."""
        try:
            kept = cls(str(value["salt"]), str(value["key"]), int(value["n"]), int(value["r"]), int(value["p"]))
            bytes.fromhex(kept.salt), bytes.fromhex(kept.key)
        except (KeyError, TypeError) as error:
            raise ValueError("it is no password") from error
        if len(kept.key) != 64 or not 1 < kept.n <= 1 << 18 or not 0 < kept.r <= 16 or not 0 < kept.p <= 4:
            raise ValueError("it is no password")
        return kept

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def fits(self, password: str) -> bool:
        """Whether it is this password; told in the same time whichever character is wrong."""
        return hmac.compare_digest(self._stretched(password[:LONGEST]), self.key)

    def _stretched(self, password: str) -> str:
        data = unicodedata.normalize("NFC", password).encode("utf-8", errors="surrogatepass")
        with _turn:
            return hashlib.scrypt(
                data,
                salt=bytes.fromhex(self.salt),
                n=self.n,
                r=self.r,
                p=self.p,
                maxmem=256 * self.n * self.r,
                dklen=32,
            ).hex()
