"""GCAV: one CAV for all layers, beside plain TCAV and simple mean fusion, judged on what it has not seen.

Concepts, the pool of negatives and the inputs are halved by groups. Networks learn from the one half; everything that
is reported is of the other. What is called a pseudo-concept is a random set of the pool against another, and goes the
same way as the concepts, through the same frozen networks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.errors import UserError
from core.progress import Listener, Progress, silent
from core.stats.auroc import auroc
from core.tcav.cavs import unit
from core.tcav.concept import Concept
from core.tcav.gcav_nets import Layers, train
from core.tcav.scores import share_positive
from core.tcav.verdict import LEVEL

FEWEST = 8  # groups of positives, and inputs: four for each half
PSEUDO = 200
DRAWS = 50  # of each concept, for AUROC
SHARE = 0.8  # of the rows at hand, that one draw takes
WAYS = ("plain", "mean", "gcav")


@dataclass(frozen=True)
class Fused:
    """One concept, one way, on held-out rows and inputs.

    scores: sign score at each layer, 0 to 1. mean: of these. variation: their standard deviation over their mean. size:
    |mean cosine|, mean over the layers taken first. p: of the size, one-sided, among those of 200 pseudo-concepts.
    auroc: how often a draw of the concept has a larger size than a pseudo-concept, 0 to 1.
    """

    concept: str
    way: str
    scores: tuple[float, ...]
    mean: float
    variation: float
    size: float
    p: float
    auroc: float


@dataclass(frozen=True)
class Gcav:
    """found: per concept the three ways. false_positive_rate: per way, share of 200 other pseudo-concepts with p up to
    .05. without_fusion: the same of GCAV, if the pseudo-concepts that it is compared with skipped the networks.
    """

    layers: tuple[int, ...]
    sites: tuple[str, ...]
    found: tuple[Fused, ...]
    false_positive_rate: dict[str, float]
    without_fusion: float
    rows: int
    inputs: int

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "found": [asdict(one) for one in self.found]}


@dataclass(frozen=True, eq=False)
class _Half:
    """positives: per concept, per layer (n, d). pool: per layer (m, d). gradients: per layer (i, d), of length 1.

    groups: per concept (n,). pool_groups: (m,). By default each row is its own.
    """

    positives: list[list[np.ndarray]]
    pool: list[np.ndarray]
    gradients: list[np.ndarray]
    groups: list[np.ndarray] | None = None
    pool_groups: np.ndarray | None = None

    def groups_of(self, concept: int | None) -> np.ndarray:
        """Of a concept's positives, or of the pool."""
        if concept is None:
            return np.arange(len(self.pool[0])) if self.pool_groups is None else self.pool_groups
        return np.arange(len(self.positives[concept][0])) if self.groups is None else self.groups[concept]

    def cavs(self, rng: np.random.Generator, which: Sequence[int | None], size: int) -> list[np.ndarray]:
        """Unit CAVs per layer (b, d): differences of means of `size` rows; None stands for a pseudo-concept.

        One row of each group: crops of one image are one draw, for concepts and for what they are compared with.
        """
        found: list[list[np.ndarray]] = [[] for _ in self.pool]
        for concept in which:
            order = _one_each(rng, self.groups_of(None))
            negatives, rest = order[:size], order[size : 2 * size]
            own = None if concept is None else _one_each(rng, self.groups_of(concept))[:size]
            for layer, pool in enumerate(self.pool):
                rows = pool[rest] if concept is None else self.positives[concept][layer][own]
                found[layer].append(rows.mean(axis=0) - pool[negatives].mean(axis=0))
        return [unit(np.stack(of_layer)) for of_layer in found]


def fuse(
    concepts: Sequence[Concept],
    pool: Concept,
    gradients: Sequence[np.ndarray],
    input_groups: np.ndarray,
    layers: Sequence[int],
    sites: Sequence[str],
    *,
    seed: int = 0,
    progress: Listener = silent,
) -> Gcav:
    """concepts: their positives at all the sites. pool: rows at the same sites, whose labels do not count.

    gradients: per site (m, d). Raises UserError where there are too few layers, positives or inputs to be halved.
    """
    if len(sites) < 2:
        raise UserError("GCAV joins layers: name two or more.")
    rng = np.random.default_rng(seed)
    learnt, held = _halves(rng, concepts, pool, gradients, input_groups)
    size = _size(held)
    learning = max(2, int(SHARE * _size(learnt)))
    scale = [np.sqrt((G.astype(np.float64) @ G.T).diagonal().mean() / G.shape[1]) for G in learnt.gradients]

    def draw(number: int) -> tuple[Layers, Tensor, Layers]:
        which = rng.integers(0, len(concepts), number)
        own = learnt.cavs(rng, which.tolist(), learning)
        return _tensors(own), torch.from_numpy(which), _tensors(learnt.cavs(rng, [None] * number, learning))

    smooth = [torch.from_numpy(G / s).float() for G, s in zip(learnt.gradients, scale, strict=True)]

    def score(cavs: Layers) -> Tensor:
        # A sigmoid in place of the sign, as wide as cosines of chance are.
        return torch.stack([(cav @ G.T).sigmoid().mean(dim=1) for cav, G in zip(cavs, smooth, strict=True)], dim=1)

    def tell(done: int, steps: int) -> None:
        progress(Progress(done, steps, "steps", "fusing layers"))

    trained = train([G.shape[1] for G in gradients], draw, score, seed=seed, tell=tell)
    ways = {"plain": lambda cavs: cavs, "mean": trained.mean, "gcav": trained.gcav}

    def sizes(cavs: list[np.ndarray]) -> dict[str, np.ndarray]:
        return {name: _sizes(_arrays(way(_tensors(cavs))), held) for name, way in ways.items()}

    null = sizes(held.cavs(rng, [None] * PSEUDO, size))
    others = sizes(held.cavs(rng, [None] * PSEUDO, size))
    found: list[Fused] = []
    for number, concept in enumerate(concepts):
        cavs = held.cavs(rng, [number], size)
        drawn = sizes(held.cavs(rng, [number] * DRAWS, max(2, int(SHARE * size))))
        compared = sizes(held.cavs(rng, [None] * PSEUDO, max(2, int(SHARE * size))))
        for name, way in ways.items():
            fused = _arrays(way(_tensors(cavs)))
            found.append(_judged(concept.name, name, fused, held, null[name], drawn[name], compared[name]))
    return Gcav(
        tuple(layers),
        tuple(sites),
        tuple(found),
        {name: float(np.mean(_p(others[name], null[name]) <= LEVEL)) for name in WAYS},
        float(np.mean(_p(others["gcav"], null["plain"]) <= LEVEL)),
        size,
        len(held.gradients[0]),
    )


def _judged(
    concept: str, way: str, cavs: list[np.ndarray], held: _Half, null: np.ndarray, drawn: np.ndarray, others: np.ndarray
) -> Fused:
    scores = [float(share_positive(G @ cav[0])) for G, cav in zip(held.gradients, cavs, strict=True)]
    size = _sizes(cavs, held)
    y = np.repeat([1, 0], [len(drawn), len(others)])
    return Fused(
        concept=concept,
        way=way,
        scores=tuple(scores),
        mean=float(np.mean(scores)),
        variation=float(np.std(scores)) / max(float(np.mean(scores)), 1e-12),
        size=float(size[0]),
        p=float(_p(size, null)[0]),
        auroc=float(auroc(y, np.concatenate([drawn, others]))),
    )


def _sizes(cavs: list[np.ndarray], held: _Half) -> np.ndarray:
    """(b,), |mean over layers of the mean cosine|."""
    cosines = [cav @ G.mean(axis=0) for cav, G in zip(cavs, held.gradients, strict=True)]
    return np.abs(np.mean(cosines, axis=0))


def _p(sizes: np.ndarray, null: np.ndarray) -> np.ndarray:
    return (1 + (null[None] >= sizes[:, None]).sum(axis=1)) / (1 + len(null))


def _size(half: _Half) -> int:
    """Rows of each class in a CAV: all groups of the smallest concept, and no more than half of the pool's."""
    counts = [len(np.unique(half.groups_of(concept))) for concept in (None, *range(len(half.positives)))]
    return min(*counts[1:], counts[0] // 2)


def _one_each(rng: np.random.Generator, groups: np.ndarray) -> np.ndarray:
    """A row of each group, in random order."""
    order = rng.permutation(len(groups))
    return order[np.sort(np.unique(groups[order], return_index=True)[1])]


def _halves(
    rng: np.random.Generator,
    concepts: Sequence[Concept],
    pool: Concept,
    gradients: Sequence[np.ndarray],
    input_groups: np.ndarray,
) -> tuple[_Half, _Half]:
    parts: Mapping[str, Any] = {
        "pool": _halved(rng, pool.groups, f"{pool.name}, the pool of negatives,"),
        # Variants of one input cannot be halved by groups; what is said then holds for that input.
        "inputs": _halved(
            rng,
            input_groups if len(np.unique(input_groups)) >= FEWEST else np.arange(len(input_groups)),
            "The set of inputs",
        ),
    }
    own = []
    for concept in concepts:
        positives = np.flatnonzero(concept.y == 1)
        own.append([positives[rows] for rows in _halved(rng, concept.groups[positives], concept.name)])
    return tuple(  # type: ignore[return-value]
        _Half(
            [[X[rows[half]] for X in concept.X] for concept, rows in zip(concepts, own, strict=True)],
            [X[parts["pool"][half]] for X in pool.X],
            [unit(G[parts["inputs"][half]].astype(np.float64)) for G in gradients],
            [concept.groups[rows[half]] for concept, rows in zip(concepts, own, strict=True)],
            pool.groups[parts["pool"][half]],
        )
        for half in (0, 1)
    )


def _halved(rng: np.random.Generator, groups: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of half of the groups, and of the others."""
    names = np.unique(groups)
    if len(names) < FEWEST:
        raise UserError(f"{name} holds only {len(names)} independent items, and GCAV needs {FEWEST} to halve them.")
    first = np.isin(groups, rng.permutation(names)[: len(names) // 2])
    return np.flatnonzero(first), np.flatnonzero(~first)


def _tensors(cavs: Sequence[np.ndarray]) -> Layers:
    return [torch.from_numpy(cav).float() for cav in cavs]


def _arrays(cavs: Layers) -> list[np.ndarray]:
    return [unit(cav.double().numpy()) for cav in cavs]
