"""Online code length: how few bits tell the labels to somebody who has the activations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.directions import Finder, Prepared
from core.probing.platt import fit_platt
from core.stats import auroc

HALVINGS = 5  # the first block is 1/32 of the rows, as 3.1% is in the paper's list
FEWEST = 8  # rows from which a probe may begin


@dataclass(frozen=True)
class Block:
    """Labels told after `seen` rows were: coded of them, in bits. prior_bits: by the share of positives among the rows
    seen alone. auroc: of the probe of the rows seen, on the test part, 0-1; None while there was none."""

    seen: int
    coded: int
    bits: float
    prior_bits: float
    auroc: float | None


@dataclass(frozen=True)
class Codelength:
    """Minimum description length of the train part's labels by the online code (Voita and Titov 2020, section 3.2).

    bits: sum over the blocks. prior_bits: of the same blocks where nothing but the share of positives is learnt.
    uniform_bits: one bit a label. compression: the fewer of these two / bits, above 1 where the activations help; a
    probe that needs many examples for the same accuracy compresses less. The paper divides uniform_bits, which where
    one class is rare exceeds 1 for a probe of nothing; prior_bits alone, where they are alike, those of an unlucky
    first block. Rows come in random order, groups whole; each block is told with the probe of all rows before it.
    """

    bits: float
    prior_bits: float
    uniform_bits: float
    compression: float
    blocks: tuple[Block, ...]

    @property
    def bits_without(self) -> float:
        """What the labels take without activations."""
        return min(self.prior_bits, self.uniform_bits)


def block_ends(y: np.ndarray, groups: np.ndarray, seed: int) -> tuple[np.ndarray, list[int]]:
    """The rows in the order in which they are told (n,), and where each block ends: about n/32, n/16, ..., n/2, n.

    Blocks end where a group does, and the first goes on until it holds 8 rows and two groups of each class.
    """
    names, members = np.unique(groups, return_inverse=True)
    place = np.random.default_rng([seed, 2]).permutation(len(names))[members]
    order = np.argsort(place, kind="stable")
    n = len(y)
    ends = np.append(np.flatnonzero(np.diff(place[order])) + 1, n)
    ready = [_probes_can_begin(y[order[:end]], groups[order[:end]]) for end in ends]
    possible = ends[np.array(ready)]
    wanted = [n / 2**halving for halving in range(HALVINGS, 0, -1)]
    found = {int(possible[np.argmin(np.abs(possible - size))]) for size in wanted if len(possible)}
    return order, sorted(found | {n})


def _probes_can_begin(y: np.ndarray, groups: np.ndarray) -> bool:
    return len(y) >= FEWEST and all(len(np.unique(groups[y == label])) >= 2 for label in (0, 1))


def prefixes(X: np.ndarray, groups: np.ndarray, order: np.ndarray, ends: list[int]) -> list[Prepared]:
    """The rows seen before each block but the first, ready for every method's fit."""
    return [Prepared(X[order[:end]], groups[order[:end]]) for end in ends[:-1]]


def codelength(
    finder: Finder,
    seen: list[Prepared],
    X: np.ndarray,
    y: np.ndarray,
    order: np.ndarray,
    ends: list[int],
    test: tuple[np.ndarray, np.ndarray],
    *,
    seed: int = 0,
) -> Codelength:
    """The online code of one method: at each block settings, direction and probabilities come from the rows seen alone.

    seen: of `prefixes`. X: (n, d) float64. y: (n,). order, ends: of `block_ends`. test: X (m, d) and y (m,).
    """
    blocks = [Block(0, ends[0], float(ends[0]), float(ends[0]), None)]
    for rows, start, end in zip(seen, ends[:-1], ends[1:], strict=True):
        labels = y[order[:start]] == 1
        settled = finder.settle_on(rows, labels, seed=seed, measure=True)
        vector = settled.finder.fit_many(rows, labels[None], seed=seed)[0]
        told = order[start:end]
        # Too few to hold any back: the share of positives so far.
        held_out = np.zeros(start) if settled.scores is None else settled.scores
        curve = fit_platt(held_out, labels)
        bits = curve.bits((X[told] - rows.mean) @ vector, y[told])
        nothing = fit_platt(np.zeros(start), labels).bits(np.zeros(len(told)), y[told])
        measured = auroc(test[1], test[0] @ vector)
        blocks.append(Block(start, end - start, float(bits.sum()), float(nothing.sum()), measured))
    total, prior = (sum(getattr(block, name) for block in blocks) for name in ("bits", "prior_bits"))
    n = float(ends[-1])
    return Codelength(total, prior, n, min(prior, n) / total, tuple(blocks))
