"""How far a share that was counted in so many runs may lie from the true one."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np


def share_interval(hits: int, runs: int, *, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share, 0 to 1, from `hits` out of `runs` (Clopper and Pearson 1934).

    It holds the true share in at least `level` of all cases.
    """
    if not 0 <= hits <= runs or runs < 1:
        raise ValueError(f"{hits} of {runs}")
    tail = (1 - level) / 2
    # The chance of so many hits, or more, grows with the share; that of so few, or fewer, falls.
    low = 0.0 if hits == 0 else _root(lambda share: tail - _chance(range(hits, runs + 1), runs, share))
    high = 1.0 if hits == runs else _root(lambda share: _chance(range(hits + 1), runs, share) - tail)
    return low, high


def _chance(hits: range, runs: int, share: float) -> float:
    """Of a number of hits in a range, when each of `runs` hits with probability `share`, strictly between 0 and 1."""
    logs = [
        math.lgamma(runs + 1) - math.lgamma(k + 1) - math.lgamma(runs - k + 1)
        + k * math.log(share) + (runs - k) * math.log1p(-share)
        for k in hits
    ]  # fmt: skip
    return float(np.exp(logs).sum())


def _root(falling: Callable[[float], float]) -> float:
    """Where a falling function of a share crosses 0, by halving."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2
