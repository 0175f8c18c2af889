"""Carried: which features of a dictionary tell the concept's texts apart, as the Features page ranks them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import workspace
from core.activations import read_result, write_result
from core.activations.costs import forward, tokens_of
from core.concept.direction import NAMES, direction_key, direction_of
from core.concept.part import Part
from core.concept.question import METHODS, Question
from core.concept.readable import only_texts
from core.progress import Listener

if TYPE_CHECKING:
    from core.concept.question import AnyKind
    from core.dictionaries.index import Index
    from core.dictionaries.index.concept import ConceptFeatures
    from core.dictionaries.shelf import Listed
    from core.models import AnyModel, Model

VERSION = 3
SHOWN = 20
BEFORE, AFTER = 4, 6  # tokens of an example that are shown, so that the one it is about is seen in a narrow column
BUNDLED = Path(__file__).parents[2] / "assets" / "dictionaries"
TESTING = 10.0  # seconds: 9,999 relabellings of 100 features


@dataclass(frozen=True, eq=False)
class Carried:
    """result: the best features on held-out texts, `best` the one that was chosen on the others, each with its label;
    see `ConceptFeatures`. dictionary, layer: where they are."""

    dictionary: str
    layer: int | None
    result: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {"dictionary": self.dictionary, "layer": self.layer, **self.result}


def dictionaries_for(model_id: str) -> list[Listed]:
    """Those at hand that name this model. Without any, nothing heavy is imported."""
    ours = workspace.listed("dictionaries", "[!.]*/cfg.json")
    if not ours and not any(True for _ in BUNDLED.glob("[!.]*/cfg.json")):
        return []
    from core.dictionaries.fitting import same_model
    from core.dictionaries.shelf import list_names

    return [one for one in list_names() if one.model_name and same_model(one.model_name, model_id)]


def nearest(listed: list[Listed], layer: int) -> str:
    """Name of the one at the layer, else the nearest; of several the one with most features. "" of none."""

    def away(one: Listed) -> tuple[int, bool, int]:
        return abs((one.layer if one.layer is not None else 10_000) - layer), one.kind == "components", -one.features

    return min(listed, key=away).name if listed else ""


def stamp_of(name: str) -> str:
    """What the files of the dictionary called `name` look like from outside; "" where there is none."""
    listed = _listed(name) if name else None
    return "" if listed is None else listed.stamp


def _listed(name: str) -> Listed | None:
    from core.dictionaries.shelf import list_names

    return next((one for one in list_names() if one.name == name), None)


def _why_not(model: AnyKind, question: Question) -> str:
    if sentence := only_texts(model, question):
        return sentence if question.of_texts else "Dictionaries split the activations of models of texts."
    if not question.dictionary:
        return (
            f"There is no dictionary for {model.id} yet; the Features page makes one, from its own neurons in seconds."
        )
    if _listed(question.dictionary) is None:
        return f"There is no dictionary called {question.dictionary!r} at hand; `sae` makes or imports one."
    return ""


def _look(model: AnyKind, question: Question) -> Carried | None:
    listed = _listed(question.dictionary)
    value = None if listed is None else read_result(_key(model, question, listed))  # type: ignore[arg-type]
    return None if listed is None or value is None else Carried(listed.name, listed.layer, value)


def _compute(model: AnyKind, question: Question, progress: Listener) -> Carried:
    from core.dictionaries import fitted, open_dictionary
    from core.dictionaries.index.concept import features_for
    from core.models import opened

    open_model, listed = opened(model), _listed(question.dictionary)  # type: ignore[arg-type]
    dictionary = fitted(open_dictionary(question.dictionary), open_model)
    directions, site = {}, dictionary.card.rebuilds
    if site is not None and site == open_model.site(site.layer):  # cosines are told where the features are
        there = replace(question, layer=site.layer)
        made = [direction_of(open_model, there, method, progress) for method in reversed(METHODS)]
        directions = {NAMES[one.method]: one.vector for one in made}
    examples = question.feature_examples or question.texts
    found = features_for(open_model, dictionary, examples, directions=directions, progress=progress)
    result = _told(open_model, dictionary, found)
    assert listed is not None  # it was opened by this name
    write_result(_key(open_model, question, listed), result)
    return Carried(listed.name, listed.layer, result)


def _told(model: Model, dictionary: Any, found: ConceptFeatures) -> dict[str, Any]:
    from core.dictionaries.index import list_indexes, open_index
    from core.dictionaries.index.concept import DIFFERENCE
    from core.dictionaries.index.labels import labels_of

    index = open_index(dictionary) if list_indexes(dictionary) else None
    labels = {} if index is None else labels_of(index, dictionary)
    value = found.to_json()
    for one in (value["best"], *value["features"][:SHOWN]):
        one["label"] = labels[one["feature"]].text if one["feature"] in labels else ""
        one["example"] = "" if index is None else _example(index, model, one["feature"])
        if NAMES["diffmean"] in one["cosines"]:
            one["cosines"].pop(DIFFERENCE, None)  # of fewer rows than this concept's own
    chance = 1.96 * dictionary.coder.d_out**-0.5
    return {**value, "features": value["features"][:SHOWN], "indexed": bool(labels), "cosine_chance": chance}


def _example(index: Index, model: Model, feature: int) -> str:
    """The token on which it is strongest, in brackets, with what stands around it; "" if the text is not at hand."""
    from core.dictionaries.index.feature import examples_of

    found = next((one for one in examples_of(index, model, feature, 1) if one.tokens), None)
    if found is None:
        return ""
    words = [one.text for one in found.tokens]
    token = words[found.centre]
    words[found.centre] = f"{' ' * token.startswith(' ')}[{token.strip()}]"
    shown = "".join(words[max(0, found.centre - BEFORE) : found.centre + AFTER + 1])
    return " ".join(shown.split())


def _key(model: AnyModel, question: Question, listed: Listed) -> str:
    return workspace.digest(
        {
            "what": "features of a concept",
            "version": VERSION,
            "fingerprint": model.fingerprint,
            "device": model.device_type,
            "dtype": model.dtype_name,
            "dictionary": listed.stamp,
            "examples": (question.feature_examples or question.texts).digest,
            "directions": [direction_key(model, question, method) for method in METHODS],
        }
    )


def _cost(model: AnyKind, question: Question) -> float:
    examples = question.feature_examples or question.texts
    return forward(2 * tokens_of(examples.texts), model.n_layers) + TESTING


CARRIED = Part(
    name="carried",
    title="Which features carry it?",
    watch="Look at how near the best single feature comes to the probe: far below it, the concept is spread over many.",
    why_not=_why_not,
    look=_look,
    compute=_compute,
    cost=_cost,
    plain=Carried.to_json,
)
