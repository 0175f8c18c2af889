"""How far a share that was counted in so many runs may lie from the true one."""

from __future__ import annotations

from scipy.stats import beta


def share_interval(hits: int, runs: int, *, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share, 0 to 1, from `hits` out of `runs` (Clopper and Pearson 1934).

    It holds the true share in at least `level` of all cases.
    """
    if not 0 <= hits <= runs or runs < 1:
        raise ValueError(f"{hits} of {runs}")
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else float(beta.ppf(tail, hits, runs - hits + 1))
    high = 1.0 if hits == runs else float(beta.ppf(1 - tail, hits + 1, runs - hits))
    return low, high
