"""Related: how the concept's direction lies to saved directions, to other concepts and to the features near it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.activations.costs import forward, tokens_of
from core.concept.direction import NAMES, direction_of, known_direction
from core.concept.part import Part
from core.concept.question import METHODS, Question
from core.concept.readable import only_texts
from core.concept.surroundings import Surroundings, known_surroundings, surroundings
from core.directions import Direction, cosines, list_directions
from core.models import opened
from core.progress import Listener

if TYPE_CHECKING:
    from core.concept.question import AnyKind

MOST = 12  # saved directions that are shown: those nearest by cosine, of either sign
AROUND = 20.0  # seconds: the control sets are read again from what was recorded, and the map's library compiles


@dataclass(frozen=True, eq=False)
class Related:
    """names: n directions: of the concept by its two methods, then saved ones. cosines: (n, n), -1 to 1. own: how many
    are the concept's. saved: how many there are at this place. chance: 95% of cosines between random directions lie
    between -chance and chance. around: other concepts, features, and the map. placed: (n - own, 2), where the saved
    ones go on it.
    """

    layer: int
    names: tuple[str, ...]
    cosines: np.ndarray
    own: int
    saved: int
    chance: float
    around: Surroundings
    placed: np.ndarray

    def to_json(self) -> dict[str, Any]:
        value = {name: getattr(self, name) for name in ("layer", "own", "saved", "chance")}
        return value | {"names": list(self.names), "cosines": self.cosines.tolist(), **self.around.to_json()}


def related_to(own: list[Direction], saved: list[Direction], around: Surroundings) -> Related:
    """own: the concept's, at one place, the push first. saved: any; those of other places are passed over."""
    first = own[0]
    here = [one for one in saved if (one.model_fingerprint, one.site) == (first.model_fingerprint, first.site)]
    here = [one for one in here if one.width == first.width]
    nearest = sorted(here, key=lambda one: -abs(float(one.vector @ first.vector)))[:MOST]
    shown = [*own, *nearest]
    names = [NAMES["diffmean"], NAMES["logistic"]][: len(own)] + [one.name for one in nearest]
    placed = [around.place(one.vector) for one in nearest] if len(around.points) else []
    return Related(
        layer=first.layer,
        names=tuple(names),
        cosines=cosines(shown),
        own=len(own),
        saved=len(here),
        chance=1.96 * first.width**-0.5,
        around=around,
        placed=np.array(placed, dtype=np.float32).reshape(-1, 2),
    )


def _look(model: AnyKind, question: Question) -> Related | None:
    own = [known_direction(model, question, method) for method in reversed(METHODS)]  # type: ignore[arg-type]
    around = known_surroundings(model, question)  # type: ignore[arg-type]
    if around is None or any(one is None for one in own):
        return None
    return related_to([one for one in own if one is not None], list_directions(), around)


def _compute(model: AnyKind, question: Question, progress: Listener) -> Related:
    own = [direction_of(model, question, method, progress) for method in reversed(METHODS)]  # type: ignore[arg-type]
    around = surroundings(opened(model), question, progress)  # type: ignore[arg-type]
    return related_to(own, list_directions(), around)


def _cost(model: AnyKind, question: Question) -> float:
    return forward(tokens_of(question.texts.texts), model.n_layers, question.layer) + AROUND


RELATED = Part(
    name="related",
    title="What lies near it?",
    watch="Look at which other concepts this direction reads as well: above what two other concepts usually share, the "
    "two are not told apart cleanly there.",
    why_not=only_texts,
    look=_look,
    compute=_compute,
    cost=_cost,
    plain=Related.to_json,
)
