"""Checks of a set that look at its rows' labels, groups and repeats, not into the texts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from core.examples.examples import Examples
from core.examples.finding import Finding, plural, some

FEWEST_GROUPS = 4  # of each class, or a probe is refused (core/probing says the same)
WIDE, WIDISH = 0.15, 0.08  # half the width of the expected interval
RARE, RARISH = 0.1, 0.25  # share of the smaller class
LARGE_GROUP = 0.2  # share of all rows
FEW_OF_A_KIND = 10  # rows of a class in a subgroup
ONE_SIDED = 0.9  # share of one class in a subgroup
EXPECTED = 0.8  # the AUROC whose interval is foretold


def independent(examples: Examples) -> tuple[int, int]:
    """Numbers of groups with negatives and with positives: the rows that count for an interval."""
    negatives, positives = (len(np.unique(examples.groups[examples.labels == label])) for label in (0, 1))
    return negatives, positives


def half_width(negatives: float, positives: float, *, auroc: float = EXPECTED) -> float:
    """Half the width of the 95% interval about an AUROC, by the formula of Hanley and McNeil (1982).

    negatives, positives: how many of each it is measured on. Range 0 to 1.
    """
    negatives, positives = max(negatives, 1.0), max(positives, 1.0)
    two_positives, two_negatives = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
    variance = auroc * (1 - auroc)
    variance += (positives - 1) * (two_positives - auroc**2) + (negatives - 1) * (two_negatives - auroc**2)
    return min(1.0, 1.96 * math.sqrt(variance / (positives * negatives)))


def too_few(examples: Examples, *, test_share: float) -> Finding | None:
    """Whether the interval of a score will be too wide to say much."""
    negatives, positives = independent(examples)
    counted = f"{positives:,} positives and {negatives:,} negatives that are independent of each other"
    if min(negatives, positives) < FEWEST_GROUPS:
        return Finding(
            "too few",
            "stop",
            f"There are {counted}; a probe needs {FEWEST_GROUPS} of each.",
            "Add texts, or give fewer rows the same group.",
        )
    width = half_width(test_share * negatives, test_share * positives)
    if width < WIDISH:
        return None
    enough = next(n for n in (100, 200, 500, 1_000) if half_width(test_share * n, test_share * n) < WIDISH)
    then = half_width(test_share * enough, test_share * enough)
    return Finding(
        "too few",
        "warning" if width > WIDE else "note",
        f"With {counted}, an AUROC of {EXPECTED} will have a 95% interval of about ±{width:.2f}.",
        f"Add texts: {enough:,} independent ones of each narrow it to ±{then:.2f}.",
    )


def both_classes(examples: Examples, keys: Sequence[str]) -> Finding | None:
    """Texts that stand among the positives and among the negatives. keys: (n,) the texts `tidied`."""
    classes: dict[str, set[int]] = {}
    for key, label in zip(keys, examples.labels.tolist(), strict=True):
        classes.setdefault(key, set()).add(label)
    torn = {key for key, seen in classes.items() if len(seen) > 1}
    if not torn:
        return None
    rows = [row for row, key in enumerate(keys) if key in torn]
    return Finding(
        "both classes",
        "warning" if len(rows) > 0.02 * len(keys) else "note",
        f"{plural(len(torn), 'text stands', 'texts stand')} among positives and negatives alike ({len(rows):,} rows).",
        "Settle on one label for each, or take them out: nothing can tell them apart.",
        len(rows),
        some(sorted(rows, key=keys.__getitem__)),
    )


def repeats(keys: Sequence[str]) -> Finding | None:
    """Rows that say again what an earlier row said. keys: (n,) the texts `tidied`."""
    seen: set[str] = set()
    rows = []
    for row, key in enumerate(keys):
        if key in seen:
            rows.append(row)
        seen.add(key)
    if not rows:
        return None
    return Finding(
        "repeats",
        "note",
        f"{plural(len(rows), 'row repeats', 'rows repeat')} an earlier text, but for case and white space.",
        "Nothing need be done: repeats are kept on one side of every split, and count as one in every interval.",
        len(rows),
        some(rows),
    )


def imbalance(examples: Examples) -> Finding | None:
    """One class much rarer than the other."""
    share = min(examples.n_positives, examples.n_negatives) / len(examples)
    if share >= RARISH:
        return None
    rare = "positives" if examples.n_positives < examples.n_negatives else "negatives"
    return Finding(
        "imbalance",
        "warning" if share < RARE else "note",
        f"Only {share:.1%} of the rows are {rare}: accuracy will look high whatever is learnt.",
        f"Go by AUROC, which does not mind, or add {rare}.",
    )


def one_large_group(examples: Examples) -> Finding | None:
    """A group so large that no split can be even."""
    sizes = np.bincount(examples.groups)
    largest = int(sizes.argmax())
    share = sizes[largest] / len(examples)
    if share <= LARGE_GROUP or sizes[largest] < 3:
        return None
    return Finding(
        "large group",
        "warning",
        f"One group holds {share:.0%} of the rows; it is trained on or tested on as a whole, so that the score depends"
        " on which.",
        "Use a finer column for the groups, or add other groups.",
        int(sizes[largest]),
        some(np.flatnonzero(examples.groups == largest)),
    )


def subgroups(examples: Examples) -> list[Finding]:
    """Kinds that are too rare to compare, or that go together with the label."""
    if examples.subgroups is None:
        return []
    kinds = np.array(examples.subgroups)
    counts = {
        str(kind): (int((examples.labels[kinds == kind] == 0).sum()), int((examples.labels[kinds == kind] == 1).sum()))
        for kind in np.unique(kinds)
        if kind
    }
    found = []
    few = [kind for kind, both in counts.items() if min(both) < FEW_OF_A_KIND]
    if few:
        found.append(
            Finding(
                "few of a kind",
                "note",
                f"{plural(len(few), 'subgroup has', 'subgroups have')} fewer than {FEW_OF_A_KIND} positives or"
                f" negatives: {', '.join(few[:8])}.",
                "Add texts of these kinds, or leave them out of the comparison.",
                int(np.isin(kinds, few).sum()),
                some(np.flatnonzero(np.isin(kinds, few))),
            )
        )
    enough = {kind: both for kind, both in counts.items() if sum(both) >= 2 * FEW_OF_A_KIND}
    sided = [kind for kind, both in enough.items() if max(both) > ONE_SIDED * sum(both)]
    if sided:
        found.append(
            Finding(
                "one-sided subgroup",
                "warning",
                f"Nearly all texts of {', '.join(sided[:8])} have the same label: the label and the kind of text cannot"
                " be told apart there.",
                "Add texts of the other label to these kinds.",
                int(np.isin(kinds, sided).sum()),
                some(np.flatnonzero(np.isin(kinds, sided))),
            )
        )
    return found
