"""What stands around a concept's direction: other bundled concepts, and the features that point its way, on one map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.activations import read_arrays, read_result, write_arrays, write_result
from core.concept.direction import direction_of
from core.concept.question import METHODS, Question
from core.concept.used import controls_of
from core.probing.asking import key_of
from core.progress import Listener

if TYPE_CHECKING:
    from core.directions import Direction
    from core.models import AnyModel, Model

VERSION = 1
CONCEPTS, FEATURES = 12, 40  # that are kept: the nearest by cosine, of either sign
PLACED_BY = 3  # points between which a further direction is placed


@dataclass(frozen=True)
class Neighbour:
    """cosine: with the concept's difference of means, -1 to 1.

    Of another concept, a bundled set by its id: reads, the AUROC with which this concept's direction tells the other's
    positives from its negatives, and read_by, that of the other's direction on this concept's examples; .5 where it
    cannot, below where it takes one for the other. Of a feature: its number, and None for both.
    """

    name: str
    cosine: float
    reads: float | None = None
    read_by: float | None = None
    id: str = ""
    feature: int = -1


@dataclass(frozen=True, eq=False)
class Surroundings:
    """concepts, features: nearest first. typical: 95% of the absolute cosines between other concepts are below, None
    with fewer than two. compared: how many others were looked at. dictionary, feature_layer: where the features are.

    vectors: (2 + n, d) unit, the concept's two directions, then concepts, then features; points: (2 + n, 2), where they
    lie on the map, (0, 2) if they are too few for one.
    """

    concepts: tuple[Neighbour, ...]
    features: tuple[Neighbour, ...]
    typical: float | None
    compared: int
    dictionary: str
    feature_layer: int | None
    vectors: np.ndarray
    points: np.ndarray

    def to_json(self) -> dict[str, Any]:
        return {
            "concepts": [
                {name: getattr(one, name) for name in ("name", "id", "cosine", "reads", "read_by")}
                for one in self.concepts
            ],
            "features": [{name: getattr(one, name) for name in ("feature", "name", "cosine")} for one in self.features],
            "typical_cosine": self.typical,
            "compared": self.compared,
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
    concepts, cavs, typical, compared = _concepts(model, question, own[0], progress)
    features, rows, layer = _features(model, question, own[0])
    vectors = np.concatenate([np.stack([one.vector for one in own]), cavs, rows]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = Surroundings(
        concepts=tuple(concepts),
        features=tuple(features),
        typical=typical,
        compared=compared,
        dictionary=question.dictionary if features else "",
        feature_layer=layer,
        vectors=vectors,
        points=_map(vectors, progress),
    )
    _keep(_key(model, question), found)
    return found


def _concepts(
    model: Model, question: Question, own: Direction, progress: Listener
) -> tuple[list[Neighbour], np.ndarray, float | None, int]:
    from core.examples.bundled import bundled_sets
    from core.tcav.cavs import kind_named
    from core.tcav.controls import record_controls
    from core.tcav.covariance import identity
    from core.tcav.entanglement import cav_of, entanglement
    from core.tcav.readers import reader_of
    from core.tcav.recorded import record_concept
    from core.tcav.sources import source_of

    controls = [one for one in controls_of(question) if one.id != question.examples.id]
    if not controls:
        return [], np.zeros((0, own.width), dtype=np.float32), None, 0
    reader, site, kind = reader_of(model), model.site(question.layer), kind_named("diffmean")
    others = record_controls(reader, controls, [site], (), progress=progress)
    first = record_concept(reader, source_of(question.texts), [site], (), progress=progress)
    metric = identity(own.width)
    found = entanglement([first, *others], 0, kind, metric)
    pairs = np.abs(found.cosines[1:, 1:][np.triu_indices(len(others), 1)])
    titles = {one.id: one.title for one in bundled_sets().values()}
    nearest = sorted(range(len(others)), key=lambda place: -abs(float(found.cosines[0, place + 1])))[:CONCEPTS]
    told = [
        Neighbour(
            name=titles.get(others[place].name, others[place].name),
            cosine=float(found.cosines[0, place + 1]),
            reads=float(found.reads[0, place + 1]),
            read_by=float(found.reads[place + 1, 0]),
            id=others[place].name,
        )
        for place in nearest
    ]
    cavs = np.stack([cav_of(others[place], 0, kind, metric) for place in nearest])
    return told, cavs, float(np.quantile(pairs, 0.95)) if len(pairs) else None, len(others)


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
        name: getattr(found, name) for name in ("typical", "compared", "dictionary", "feature_layer")
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
