"""What a set of examples is, whatever it came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError
from core.examples.grouping import group_rows, numbered
from core.examples.two_classes import TwoClasses

SMALLEST = 4  # rows: two of each class, one to learn from and one to test on
LONGEST = 1_000_000  # characters of a text: a model reads the first thousands, and pages must not be flooded
MOST_SUBGROUPS = 50  # with more, a column of names or numbers was taken for one of kinds


@dataclass(frozen=True, eq=False)
class Examples(TwoClasses):
    """A named, labelled set of texts.

    id: what `open_examples` takes. texts: n strings, none blank. labels: (n,) integers, 1 positive, 0 negative, both
    present. groups: (n,) integers from 0; rows of one group (the same text, or the same `group` in the user's file)
    must be split, permuted and bootstrapped together. source: link or path. positive_name, negative_name: what the
    two labels mean, in words. notes: what was decided when the set was read, for people. subgroups: a kind per
    row, such as a dialect, '' where none is told, so that scores can be compared among kinds; None if there are none.
    subgroup_name: what the kinds are kinds of.
    """

    id: str
    title: str
    texts: tuple[str, ...]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    source: str
    positive_name: str = "positive"
    negative_name: str = "negative"
    notes: tuple[str, ...] = ()
    subgroups: tuple[str, ...] | None = None
    subgroup_name: str = "subgroup"

    @cached_property
    def digest(self) -> str:
        """24 hexadecimal digits of texts, labels, groups and subgroups (if there are); names and notes do not count."""
        return self.digest_with(list(self.texts))


@dataclass(frozen=True)
class Info:
    """One line of the catalogue. positives, negatives: numbers of rows."""

    id: str
    title: str
    subject: str
    positives: int
    negatives: int
    source: str
    kind: str = "text"
    positive_name: str = "positive"
    negative_name: str = "negative"


def make_examples(
    id: str,
    title: str,
    texts: Sequence[str],
    labels: Sequence[int],
    *,
    source: str,
    own_groups: Sequence[str] | None = None,
    subgroups: Sequence[str] | None = None,
    subgroup_name: str = "subgroup",
    limit: int | None = None,
    names: tuple[str, str] = ("negative", "positive"),
    notes: Iterable[str] = (),
) -> Examples:
    """Examples of checked texts: at least 4 rows and both classes, cut to `limit` rows, grouped.

    own_groups: a name per row, '' for a row that stands alone. subgroups: a kind per row, '' where none is told.
    names: words for label 0 and label 1.
    """
    y = np.asarray(labels, dtype=np.int64)
    if len(y) < SMALLEST:
        raise UserError(f"{title} holds {len(y)} labelled rows; at least {SMALLEST} are needed.")
    if y.min() == y.max():
        raise UserError(f"All {len(y)} rows of {title} are of one class; positives and negatives are both needed.")
    groups = group_rows(texts, own_groups)
    kinds = _kinds(title, subgroups, subgroup_name)
    if limit is not None:
        rows = stratified_rows(y, limit)
        texts, y, groups = [texts[row] for row in rows], y[rows], numbered(groups[rows].tolist())
        kinds = None if kinds is None else tuple(kinds[row] for row in rows)
    y.setflags(write=False)
    groups.setflags(write=False)
    told = tuple(notes)
    return Examples(id, title, tuple(texts), y, groups, source, names[1], names[0], told, kinds, subgroup_name)


def stratified_rows(labels: NDArray[np.int64], limit: int, *, seed: int = 0) -> NDArray[np.intp]:
    """`limit` row numbers, ascending, the classes in proportion, two of each at least if there are.

    All rows where limit reaches their number. A smaller limit chooses a subset of what a larger one chooses.
    """
    if limit < SMALLEST:
        raise UserError(f"A limit of {limit} rows is too small; use at least {SMALLEST}.")
    if limit >= len(labels):
        return np.arange(len(labels))
    rng = np.random.default_rng(seed)
    positives, negatives = (rng.permutation(np.flatnonzero(labels == label)) for label in (1, 0))
    wanted = int(limit * len(positives) / len(labels) + 0.5)
    wanted = min(max(wanted, 2), limit - 2)
    wanted = min(max(wanted, limit - len(negatives)), len(positives))
    return np.sort(np.concatenate([positives[:wanted], negatives[: limit - wanted]]))


def some_rows(examples: Examples, number: int, *, seed: int = 0) -> list[int]:
    """Row numbers for people to look at: `number` of them at random, both classes alike, positives first."""
    rng = np.random.default_rng(seed)
    rows: list[int] = []
    for label, wanted in ((1, number - number // 2), (0, number // 2)):
        own = np.flatnonzero(examples.labels == label)
        rows += sorted(rng.choice(own, min(wanted, len(own)), replace=False).tolist())
    return rows


def _kinds(title: str, subgroups: Sequence[str] | None, name: str) -> tuple[str, ...] | None:
    """The subgroups without blanks around them; None where no row tells one."""
    if subgroups is None:
        return None
    kinds = tuple(kind.strip() for kind in subgroups)
    different = len(set(kinds) - {""})
    if different > MOST_SUBGROUPS:
        raise UserError(
            f"{title} names {different:,} different subgroups in {name!r}; a column of at most {MOST_SUBGROUPS} kinds"
            " is meant, such as a dialect."
        )
    return kinds if different else None


def from_lists(positives: Sequence[str], negatives: Sequence[str], name: str = "pasted") -> Examples:
    """Examples of two lists of texts, the positives first; `name` becomes id and title."""
    for kind, texts in (("positive", positives), ("negative", negatives)):
        if not texts:
            raise UserError(f"There is no {kind} text; give at least one text of each class.")
        for number, text in enumerate(texts, start=1):
            check_text(text, f"The {kind} text {number}")
    labels = [1] * len(positives) + [0] * len(negatives)
    return make_examples(name, name, [*positives, *negatives], labels, source="pasted")


def check_text(text: str, what: str) -> None:
    """UserError if `text` is blank or cannot be tokenised; `what` names it at the start of the sentence."""
    if not text.strip():
        raise UserError(f"{what} is empty; write a text or take it out.")
    if len(text) > LONGEST:
        raise UserError(
            f"{what} has {len(text):,} characters, more than {LONGEST:,}; cut it into texts of a few sentences."
        )
    if "\0" in text:
        raise UserError(f"{what} holds a NUL character; take it out.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise UserError(f"{what} holds half a character (a lone surrogate, {text[error.start]!a}).") from None
