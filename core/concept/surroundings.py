"""What stands around a concept's direction: other bundled concepts, and the features that point its way, on one map."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from core.activations import read_arrays, read_result, write_arrays, write_result
from core.concept.direction import direction_of
from core.concept.question import METHODS, Question
from core.concept.used import controls_of
from core.errors import UserError
from core.probing.asking import key_of
from core.progress import Listener

if TYPE_CHECKING:
    from core.directions import Direction
    from core.models import AnyModel, Model

VERSION = 2
CONCEPTS, FEATURES = 12, 40  # that are kept: the nearest by cosine, of either sign
PLACED_BY = 3  # points between which a further direction is placed


@dataclass(frozen=True)
class Neighbour:
    """cosine: with the concept's difference of means, -1 to 1.

    Of another concept, a bundled set by its id: reads, the AUROC with which this concept's direction tells the other's
    positives from its negatives, and read_by, that of the other's direction on this concept's examples; .5 where it
    cannot, below where it takes one for the other. All three without the rows of the other's whose texts this concept
    has too (`shared` of them): with the same label they would flatter, with the other they would turn the sign. Of a
    feature: its number, and None for both.
    """

    name: str
    cosine: float
    reads: float | None = None
    read_by: float | None = None
    id: str = ""
    feature: int = -1
    shared: int = 0


@dataclass(frozen=True, eq=False)
class Surroundings:
    """concepts, features: nearest first. typical: 95% of the absolute cosines between other concepts are below, where
    two share texts without these; None with fewer than two. compared: how many others were looked at. shared: rows of
    all of these that were left out since this concept has their texts. dictionary, feature_layer: where the features
    are.

    vectors: (2 + n, d) unit, the concept's two directions, then concepts, then features; points: (2 + n, 2), where they
    lie on the map, (0, 2) if they are too few for one.
    """

    concepts: tuple[Neighbour, ...]
    features: tuple[Neighbour, ...]
    typical: float | None
    compared: int
    shared: int
    dictionary: str
    feature_layer: int | None
    vectors: np.ndarray
    points: np.ndarray

    def to_json(self) -> dict[str, Any]:
        return {
            "concepts": [
                {name: getattr(one, name) for name in ("name", "id", "cosine", "reads", "read_by", "shared")}
                for one in self.concepts
            ],
            "features": [{name: getattr(one, name) for name in ("feature", "name", "cosine")} for one in self.features],
            "typical_cosine": self.typical,
            "compared": self.compared,
            "shared": self.shared,
            "dictionary": self.dictionary,
            "feature_layer": self.feature_layer,
        }

    def place(self, vector: np.ndarray) -> np.ndarray:
        """(2,), where a further direction (d,) goes on the map: between the three points that it is nearest to."""
        cosines = self.vectors @ (vector / max(float(np.linalg.norm(vector)), 1e-30))
        best = np.argsort(-cosines, kind="stable")[:PLACED_BY]
        weights = np.maximum(cosines[best], 1e-6) ** 4  # one that is all but equal leaves no say to the others
        found: np.ndarray = weights @ self.points[best] / weights.sum()
        return found


def known_surroundings(model: AnyModel, question: Question) -> Surroundings | None:
    """What was found before; computes nothing."""
    key = _key(model, question)
    value, arrays = read_result(key), read_arrays(key)
    if value is None or arrays is None:
        return None
    kept: dict[str, Any] = {**value, **arrays}
    for name in ("concepts", "features"):
        kept[name] = tuple(Neighbour(**one) for one in value[name])
    return Surroundings(**kept)


def surroundings(model: Model, question: Question, progress: Listener) -> Surroundings:
    """Look around; what was recorded for the test of the control concepts serves again."""
    own = [direction_of(model, question, method, progress) for method in reversed(METHODS)]
    others = _concepts(model, question, own[0], progress)
    features, rows, layer = _features(model, question, own[0])
    vectors = np.concatenate([np.stack([one.vector for one in own]), others.cavs, rows]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = Surroundings(
        concepts=others.nearest,
        features=tuple(features),
        typical=others.typical,
        compared=others.compared,
        shared=others.shared,
        dictionary=question.dictionary if features else "",
        feature_layer=layer,
        vectors=vectors,
        points=_map(vectors, progress),
    )
    _keep(_key(model, question), found)
    return found


@dataclass(frozen=True, eq=False)
class _Others:
    """As in `Surroundings`; cavs: (len(nearest), d)."""

    nearest: tuple[Neighbour, ...]
    cavs: np.ndarray
    typical: float | None
    compared: int
    shared: int


def _concepts(model: Model, question: Question, own: Direction, progress: Listener) -> _Others:
    from core.examples.bundled import bundled_sets
    from core.tcav.cavs import kind_named
    from core.tcav.controls import record_controls
    from core.tcav.covariance import identity
    from core.tcav.disjoint import not_among
    from core.tcav.entanglement import cav_of, entanglement
    from core.tcav.readers import reader_of
    from core.tcav.recorded import AMONG_INPUTS, record_concept
    from core.tcav.sources import items_of, source_of

    controls = [one for one in controls_of(question) if one.id != question.examples.id]
    if not controls:
        return _Others((), np.zeros((0, own.width), dtype=np.float32), None, 0, 0)
    reader, site, kind = reader_of(model), model.site(question.layer), kind_named("diffmean")
    # Rows of the others' go, so that this concept's direction stays that of all its examples.
    others = record_controls(reader, controls, [site], question.texts.texts, progress=progress)
    first = record_concept(reader, source_of(question.texts), [site], (), progress=progress)
    metric = identity(own.width)
    found = entanglement([first, *others], 0, kind, metric)
    titles = {one.id: one.title for one in bundled_sets().values()}
    shared = [one.left_out.get(AMONG_INPUTS, 0) for one in others]
    texts = {one.id: items_of(one) for one in controls}

    def cosine(one: int, other: int) -> float:
        """Between two others, the second without what the first has too; NaN where too little of it is left."""
        taken = texts[others[one].name]
        if not_among(texts[others[other].name], taken).all():
            return float(found.cosines[one + 1, other + 1])
        source = source_of(next(each for each in controls if each.id == others[other].name))
        try:
            apart = record_concept(reader, source, [site], (*question.texts.texts, *taken))
        except UserError:
            return float("nan")
        return float(cav_of(others[one], 0, kind, metric) @ cav_of(apart, 0, kind, metric))

    pairs = np.array([abs(cosine(one, other)) for one, other in combinations(range(len(others)), 2)])
    pairs = pairs[~np.isnan(pairs)]
    nearest = sorted(range(len(others)), key=lambda place: -abs(float(found.cosines[0, place + 1])))[:CONCEPTS]
    told = tuple(
        Neighbour(
            name=titles.get(others[place].name, others[place].name),
            cosine=float(found.cosines[0, place + 1]),
            reads=float(found.reads[0, place + 1]),
            read_by=float(found.reads[place + 1, 0]),
            id=others[place].name,
            shared=shared[place],
        )
        for place in nearest
    )
    cavs = np.stack([cav_of(others[place], 0, kind, metric) for place in nearest])
    typical = float(np.quantile(pairs, 0.95)) if len(pairs) else None
    return _Others(told, cavs, typical, len(others), sum(shared))


def _features(model: Model, question: Question, own: Direction) -> tuple[list[Neighbour], np.ndarray, int | None]:
    """Those of the dictionary, if it rebuilds the residual stream after a layer: neighbours differ little from one
    layer to the next, and which one it is, is said."""
    from core.dictionaries import fitted, open_dictionary
    from core.dictionaries.index import list_indexes, open_index
    from core.dictionaries.index.labels import labels_of

    none: list[Neighbour] = []
    nothing = np.zeros((0, own.width), dtype=np.float32)
    if not question.dictionary:
        return none, nothing, None
    dictionary = fitted(open_dictionary(question.dictionary), model)
    site = dictionary.card.rebuilds
    if site is None or site.kind != model.site(question.layer).kind or dictionary.coder.d_out != own.width:
        return none, nothing, None
    rows = dictionary.coder.written.detach().float().cpu().numpy()
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)
    cosines = rows @ (own.vector / np.linalg.norm(own.vector))
    nearest = np.argsort(-np.abs(cosines), kind="stable")[:FEATURES]
    labels = labels_of(open_index(dictionary), dictionary) if list_indexes(dictionary) else {}
    told = [
        Neighbour(
            name=labels[int(feature)].text if int(feature) in labels else "",
            cosine=float(cosines[feature]),
            feature=int(feature),
        )
        for feature in nearest
    ]
    return told, rows[nearest], site.layer


def _map(vectors: np.ndarray, progress: Listener) -> np.ndarray:
    import torch

    from core.dictionaries.maps.feature_map import FEWEST, drawn

    if len(vectors) < FEWEST:
        return np.zeros((0, 2), dtype=np.float32)
    return drawn(torch.from_numpy(vectors), progress=progress)


def _keep(key: str, found: Surroundings) -> None:
    value: dict[str, Any] = {
        name: getattr(found, name) for name in ("typical", "compared", "shared", "dictionary", "feature_layer")
    }
    value |= {name: [vars(one) for one in getattr(found, name)] for name in ("concepts", "features")}
    write_arrays(key, {"vectors": found.vectors, "points": found.points})
    write_result(key, value)


def _key(model: AnyModel, question: Question) -> str:
    from core.concept.carried import stamp_of
    from core.tcav.controls import digests_of

    return key_of(
        model,
        question.texts,
        [model.site(question.layer)],
        pool="mean",
        max_length=256,
        result="surroundings of a concept",
        version=VERSION,
        controls=digests_of(controls_of(question)),
        dictionary=stamp_of(question.dictionary),
    )
