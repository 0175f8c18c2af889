"""How everything here is timed: taking turns in one process, as ratios, so that a slower hour cancels out.

Absolute numbers differ between machines and between minutes; the ratio of two things done right after one another
lasts. A figure is the median, over rounds, of the ratio within each round.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Does the work once and returns how much it was (tokens, texts, ...).
Work = Callable[[], float]


@dataclass(frozen=True)
class Comparison:
    """Ours against one peer.

    ours, peer: median rates in `unit` (or amounts, where less is better). ratio: median of the per-round ratios
    ours / peer. ratios: those of each round, in order.
    """

    name: str
    ours: float
    peer: float
    ratio: float
    unit: str
    ratios: tuple[float, ...]


def alternate(ways: Mapping[str, Work], rounds: int) -> dict[str, list[float]]:
    """Rates (amount per second) of each way in each round.

    Every other round goes backwards, so that nobody always follows the same neighbour. Collecting garbage is
    done between the ways and not within.
    """
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in list(ways) if number % 2 == 0 else reversed(list(ways)):
            gc.collect()
            gc.disable()
            try:
                start = time.perf_counter()
                amount = ways[name]()
                seconds = time.perf_counter() - start
            finally:
                gc.enable()
            rates[name].append(amount / seconds)
            tell(f"round {number + 1} of {rounds}: {name}: {rates[name][-1]:,.1f}/s")
    return rates


def compare(name: str, unit: str, ours: Sequence[float], peer: Sequence[float]) -> Comparison:
    """One Comparison from the rates of two ways, round by round."""
    ratios = tuple(a / b for a, b in zip(ours, peer, strict=True))
    return Comparison(name, statistics.median(ours), statistics.median(peer), statistics.median(ratios), unit, ratios)


def report(comparisons: Sequence[Comparison], as_json: bool) -> None:
    """Print the comparisons; as JSON, the first one stands at the top and all of them under `results`."""
    if as_json:
        print(json.dumps({**_plain(comparisons[0]), "results": [_plain(one) for one in comparisons]}))
        return
    for one in comparisons:
        spread = f"{min(one.ratios):.3f} to {max(one.ratios):.3f} in {len(one.ratios)} rounds"
        print(f"{one.name}: {one.ours:,.1f} against {one.peer:,.1f} {one.unit}, ratio {one.ratio:.3f} ({spread})")


def parser(about: str, rounds: int) -> argparse.ArgumentParser:
    """Options that every benchmark takes."""
    options = argparse.ArgumentParser(description=about.strip().splitlines()[0])
    options.add_argument("--json", action="store_true", help="print one JSON object")
    options.add_argument("--rounds", type=int, default=rounds, help=f"how often each way is run (default {rounds})")
    return options


def tell(line: str) -> None:
    """A line for the person who waits."""
    print(line, file=sys.stderr, flush=True)


def _plain(one: Comparison) -> dict[str, Any]:
    return {
        "name": one.name,
        "ours": round(one.ours, 2),
        "peer": round(one.peer, 2),
        "ratio": round(one.ratio, 4),
        "unit": one.unit,
        "ratios": [round(ratio, 4) for ratio in one.ratios],
    }
