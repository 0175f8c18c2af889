"""The tiny language in which directions are combined: `mood - 0.5*length`, `2*(warm + kind)/3`.

    sum     = product {("+" | "-") product}
    product = factor {("*" | "/") factor}
    factor  = {"+" | "-"} (number | name | "(" sum ")")

Nothing is evaluated but sums, and products and quotients with a number: what comes out is a coefficient per name.
A name may itself hold `.`, `+` and `-`, and is read as long as it goes: a plus or minus between two names stands
between spaces. What could be a number is one, so that a direction called `2` has to be renamed first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.errors import UserError
from core.workspace import checked_name

LONGEST = 2000  # characters
DEEPEST = 20  # brackets within brackets
LARGEST = 1e6  # coefficient

_WORD = re.compile(r"\s*([()*/]|[^\s()*/]+)")
_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

Value = float | dict[str, float]  # a number, or a coefficient for each name


def parse(text: str) -> dict[str, float]:
    """The coefficient of each direction named in `text`, in the order of their first mention; none is 0.

    Raises UserError for anything that is no such sum.
    """
    if len(text) > LONGEST:
        raise UserError(f"The expression has {len(text):,} characters; use at most {LONGEST:,}.")
    reader = _Reader(_words(text.replace("−", "-")))
    value = reader.sum()
    if reader.next is not None:
        raise UserError(f"{reader.next!r} is not expected there in {text!r}; write it like mood - 0.5*length.")
    if isinstance(value, float):
        raise UserError(f"{text!r} names no direction; write it like mood - 0.5*length.")
    for name, coefficient in value.items():
        if not abs(coefficient) <= LARGEST:
            raise UserError(f"The coefficient of {name} comes to {coefficient:g}; keep it below {LARGEST:,.0f}.")
    kept = {name: coefficient for name, coefficient in value.items() if coefficient != 0}
    if not kept:
        raise UserError(f"In {text!r} everything cancels out; nothing is left of it.")
    return kept


def _words(text: str) -> list[str]:
    """Brackets, operators, numbers and names."""
    words = []
    for word in _WORD.findall(text):
        while word[0] in "+-" and len(word) > 1:  # a name or number begins with neither: it is a sign
            words.append(word[0])
            word = word[1:]
        words.append(word)
    return words


@dataclass
class _Reader:
    """Goes through the words by the rules above, one word ahead."""

    words: list[str]
    place: int = 0
    depth: int = 0

    @property
    def next(self) -> str | None:
        return self.words[self.place] if self.place < len(self.words) else None

    def take(self) -> str:
        word = self.next
        if word is None:
            raise UserError("The expression ends where a direction's name is expected, as in mood - 0.5*length.")
        self.place += 1
        return word

    def sum(self) -> Value:
        total = self.product()
        while self.next in ("+", "-"):
            sign = -1.0 if self.take() == "-" else 1.0
            total = _plus(total, _times(self.product(), sign))
        return total

    def product(self) -> Value:
        value = self.factor()
        while self.next in ("*", "/"):
            if self.take() == "*":
                value = _times(value, self.factor())
                continue
            divisor = self.factor()
            if not isinstance(divisor, float) or divisor == 0:
                raise UserError("A direction can be divided by a number other than 0, and by nothing else.")
            value = _times(value, 1 / divisor)
        return value

    def factor(self) -> Value:
        sign = 1.0
        while self.next in ("+", "-"):
            sign = -sign if self.take() == "-" else sign
        return _times(self.atom(), sign)

    def atom(self) -> Value:
        word = self.take()
        if word == "(":
            return self.inner()
        if word in ("*", "/", ")"):
            raise UserError(f"{word!r} is not expected where a direction's name should stand, as in mood - 0.5*length.")
        return float(word) if _NUMBER.fullmatch(word) else {checked_name(word): 1.0}

    def inner(self) -> Value:
        self.depth += 1
        if self.depth > DEEPEST:
            raise UserError(f"The expression has more than {DEEPEST} brackets within one another; use fewer.")
        value = self.sum()
        if self.next != ")":
            raise UserError("A bracket is opened and not closed; write it like 0.5*(mood - length).")
        self.place += 1
        self.depth -= 1
        return value


def _times(one: Value, other: Value) -> Value:
    if isinstance(one, float) and isinstance(other, float):
        return one * other
    if isinstance(one, dict) and isinstance(other, dict):
        raise UserError(f"{next(iter(one))} and {next(iter(other))} cannot be multiplied: one of two must be a number.")
    number, terms = (one, other) if isinstance(one, float) else (other, one)
    assert isinstance(number, float) and isinstance(terms, dict)  # noqa: PT018
    return {name: number * coefficient for name, coefficient in terms.items()}


def _plus(one: Value, other: Value) -> Value:
    if isinstance(one, float) and isinstance(other, float):
        return one + other
    if isinstance(one, float) or isinstance(other, float):
        number = one if isinstance(one, float) else other
        raise UserError(f"{number:g} stands alone: a number is multiplied with a direction, as in 0.5*length.")
    return {name: one.get(name, 0.0) + other.get(name, 0.0) for name in {**one, **other}}
