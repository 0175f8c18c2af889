"""Fair splits: groups stay whole and every part keeps the share of positives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import UserError

Indices = NDArray[np.intp]


def split(labels: ArrayLike, groups: ArrayLike, *, test_share: float = 0.3, seed: int = 0) -> tuple[Indices, Indices]:
    """Row numbers of a training and a test part, ascending; together all rows.

    labels: (n,) of 0 and 1. groups: (n,) integers; no group is on both sides. test_share: share of each class that
    goes to the test part, as nearly as whole groups allow.
    """
    if not 0 < test_share < 1:
        raise UserError(f"The test part must be a share between 0 and 1, not {test_share}.")
    part = _assign(labels, groups, [test_share, 1 - test_share], seed)
    return np.flatnonzero(part == 1), np.flatnonzero(part == 0)


def folds(labels: ArrayLike, groups: ArrayLike, *, k: int = 5, seed: int = 0) -> list[tuple[Indices, Indices]]:
    """k pairs of (training, test) row numbers, ascending; each row is in exactly one test part."""
    if k < 2:
        raise UserError(f"Cross-validation needs at least 2 folds, not {k}.")
    part = _assign(labels, groups, [1 / k] * k, seed)
    return [(np.flatnonzero(part != fold), np.flatnonzero(part == fold)) for fold in range(k)]


def _assign(labels: ArrayLike, groups: ArrayLike, shares: Sequence[float], seed: int) -> NDArray[np.int64]:
    """The part of each row, (n,) from 0 to len(shares) - 1; every part gets both classes.

    Groups come in random order, the largest first (small ones can still mend what those have done), and each goes
    where it raises sum(count**2 / wanted) over parts and classes least. That fills all parts in proportion from the
    start, so that large groups do not gather in the largest part.
    """
    y = np.asarray(labels)
    members = np.unique(np.asarray(groups), return_inverse=True)[1]
    if y.shape != members.shape or y.ndim != 1:
        raise ValueError(f"labels {y.shape} and groups {members.shape} must be two lists of the same length")
    sizes = np.stack([np.bincount(members, weights=y == label) for label in (0, 1)], axis=1)
    _check_enough(sizes, len(shares))
    order = np.random.default_rng(seed).permutation(len(sizes))
    order = order[np.argsort(-sizes[order].sum(axis=1), kind="stable")]
    # At least one row of each class is wanted everywhere, however small the share.
    wanted = np.maximum(np.outer(shares, sizes.sum(axis=0)), 1.0).tolist()
    filled = [[0.0, 0.0] for _ in shares]
    left = Counter(_kind(group) for group in sizes.tolist())
    parts = np.empty(len(sizes), dtype=np.int64)
    complete = False
    for group, (negatives, positives) in zip(order.tolist(), sizes[order].tolist(), strict=True):
        costs = [
            negatives * (2 * have[0] + negatives) / want[0] + positives * (2 * have[1] + positives) / want[1]
            for have, want in zip(filled, wanted, strict=True)
        ]
        left[negatives > 0, positives > 0] -= 1
        for part in sorted(range(len(shares)), key=costs.__getitem__):
            before = filled[part]
            filled[part] = [before[0] + negatives, before[1] + positives]
            complete = complete or all(_kind(have) == _BOTH for have in filled)
            if complete or _can_complete(filled, left):
                parts[group] = part
                break
            filled[part] = before
    return parts[members]


_BOTH = (True, True)


def _kind(counts: Sequence[float]) -> tuple[bool, bool]:
    """Whether there are negatives, and whether there are positives."""
    return counts[0] > 0, counts[1] > 0


def _can_complete(filled: Sequence[Sequence[float]], left: Counter[tuple[bool, bool]]) -> bool:
    """Whether the groups that are left can give every part the classes that it still misses.

    A group of both classes is best spent on a part that misses both; what is left of those may stand in for either.
    """
    have = Counter(_kind(part) for part in filled)
    spent = min(have[False, False], left[_BOTH])
    no_negative = have[False, True] + have[False, False] - spent - left[True, False]
    no_positive = have[True, False] + have[False, False] - spent - left[False, True]
    return max(no_negative, 0) + max(no_positive, 0) <= left[_BOTH] - spent


def _check_enough(sizes: NDArray, parts: int) -> None:
    """With one group of each class per part there is always a way; with fewer there is none."""
    for label, name in ((1, "positive"), (0, "negative")):
        n_groups = int((sizes[:, label] > 0).sum())
        if n_groups < parts:
            raise UserError(
                f"There are {n_groups} different {name} texts or groups, too few to have one in each of {parts} parts;"
                f" add {name} examples."
            )
