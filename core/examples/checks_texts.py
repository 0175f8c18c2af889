"""Checks of a set that look at its texts one by one: their length, and what does not belong in them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.examples.examples import Examples
from core.examples.finding import Area, Finding, plural, some

LENGTH_TELLS, LENGTH_TELLS_A_LITTLE = 0.25, 0.1  # distance of the interval from .5
CUT_OFTEN, CUT_SOMETIMES = 0.5, 0.05  # share of the texts
BYTES_PER_TOKEN = 4.2  # English prose in the tokenizers of today's models; code and other scripts take more tokens

_GARBLED = re.compile("\ufffd|Ã[\x80-\xbf\u00a0-\u00ff‚ƒ„…†‡ˆ‰Š‹Œ‘’“”•–—˜™š›œ]|â€|Â[\xa0-\xbf]|ï»¿")
_HIDDEN = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_TAG = re.compile(
    r"</?(?:p|br|div|span|a|b|i|u|li|ul|ol|td|tr|table|script|style|img|html|body|head|strong|em|h[1-6])\b[^<>]*>"
    r"|&(?:amp|lt|gt|quot|nbsp|apos|#\d{1,6});",
    re.IGNORECASE,
)
_SOMETHING = re.compile(r"\w")
_LOOKED_AT = 20_000  # characters of a text


def length(examples: Examples, found: Area) -> Finding | None:
    """Whether the number of characters alone tells the classes apart."""
    distance = max(found.low - 0.5, 0.5 - found.high)
    if distance < LENGTH_TELLS_A_LITTLE:
        return None
    longer = "Positives" if found.auroc > 0.5 else "Negatives"
    medians = [
        int(np.median([len(examples.texts[row]) for row in np.flatnonzero(examples.labels == y)])) for y in (1, 0)
    ]
    return Finding(
        "length",
        "warning" if distance >= LENGTH_TELLS else "note",
        f"{longer} are longer (median {medians[0]:,} against {medians[1]:,} characters): length alone tells the classes"
        f" apart with AUROC {max(found.auroc, 1 - found.auroc):.2f}.",
        "Cut or choose texts so that both classes are about as long, or read every score beside that of length alone.",
    )


def truncation(examples: Examples, max_length: int, n_tokens: Sequence[int] | None) -> tuple[float, Finding | None]:
    """The share of texts that a model will not read to their end, and a finding if it is large."""
    if n_tokens is None:
        tokens: NDArray = np.array([len(text.encode()) for text in examples.texts]) / BYTES_PER_TOKEN
    else:
        tokens = np.array(n_tokens)
    rows = np.flatnonzero(tokens > max_length)
    share = len(rows) / len(tokens)
    if share < CUT_SOMETIMES:
        return share, None
    unread = float(np.mean(1 - max_length / tokens[rows]))
    return share, Finding(
        "truncation",
        "warning" if share > CUT_OFTEN else "note",
        f"{'' if n_tokens is not None else 'About '}{share:.0%} of the texts are longer than {max_length} tokens; of"
        f" these the last {unread:.0%} are not read.",
        "Cut the texts to what matters, or raise the maximum length.",
        len(rows),
        some(rows[np.argsort(-tokens[rows], kind="stable")]),
    )


def encoding(examples: Examples) -> list[Finding]:
    """Signs of texts that were read in the wrong encoding, markup, characters that nobody sees, and empty words."""
    begun = [text[:_LOOKED_AT] for text in examples.texts]
    found = []
    garbled = [row for row, text in enumerate(begun) if not text.isascii() and _GARBLED.search(text)]
    if garbled:
        sample = _GARBLED.search(begun[garbled[0]])
        assert sample is not None
        place = begun[garbled[0]][max(0, sample.start() - 12) : sample.end() + 12]
        found.append(
            Finding(
                "encoding",
                "warning" if len(garbled) > 0.01 * len(begun) else "note",
                f"{plural(len(garbled), 'text was', 'texts were')} once read in a wrong encoding, such as"
                f" “{_seen(place)}”.",
                "Go back to the original file and save it as UTF-8, or correct these texts.",
                len(garbled),
                some(garbled),
            )
        )
    for check, pattern, what, remedy in (
        ("markup", _TAG, "HTML marks", "Take the marks out, unless they belong to the concept; they are read as text."),
        ("hidden", _HIDDEN, "characters that nobody sees", "Take them out: they are tokens to a model all the same."),
    ):
        rows = [row for row, text in enumerate(begun) if pattern.search(text)]
        if rows:
            found.append(
                Finding(
                    check,
                    "note",
                    f"{plural(len(rows), 'text holds', 'texts hold')} {what}.",
                    remedy,
                    len(rows),
                    some(rows),
                )
            )
    bare = [row for row, text in enumerate(begun) if not _SOMETHING.search(text)]
    if bare:
        found.append(
            Finding(
                "no words",
                "note",
                f"{plural(len(bare), 'text has', 'texts have')} neither letter nor digit.",
                "Take them out unless they are meant.",
                len(bare),
                some(bare),
            )
        )
    return found


def _seen(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else "�" for c in text).split())
