"""Making the tour: the first concept through the four views, with the same functions as the pages'."""

from __future__ import annotations

import zlib
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from core import first_concept, workspace
from core.concept import PARTS, Question
from core.concept.asking import ask
from core.concept.figures import dose_lines
from core.concept.pushed import finite
from core.examples import open_examples
from core.progress import Listener, silent

if TYPE_CHECKING:
    from core.concept.carried import Carried
    from core.concept.pushed import Pushed
    from core.dictionaries.index.feature import Example
    from core.models import AnyModel, Model
    from core.probing import Sweep

VERSION = 1
DOSES = (-0.5, 0.0, 0.5)  # of the texts, in typical norms
WINDOWS = 5  # places of the feature, each from another file
FEATURES = 8  # of those ranked
QUANTITIES = ("measure", "perplexity")


def sources(model: AnyModel) -> dict[str, dict[str, Any]]:
    """By view everything that its numbers follow from, as plain values. Computes nothing of them."""
    from core.concept import carried, pushed
    from core.dictionaries import open_dictionary
    from core.probing.sweeping import VERSION as SWEEPING

    question = _question(model)
    of_model = {"fingerprint": model.fingerprint, "device": model.device_type, "dtype": model.dtype_name}
    concept = {**of_model, "version": VERSION, "examples": question.examples.id, "digest": question.examples.digest}
    asked = question.to_json()
    return {
        "probe": {**concept, "sweep": SWEEPING},
        "test": {"result": first_concept.first_test_key(model)},
        "browse": {
            **concept,
            "ranking": carried.VERSION,
            "dictionary": question.dictionary,
            "weights": open_dictionary(question.dictionary).key,
            "rows": asked["sizes"]["feature_rows"],
        },
        "steer": {
            **concept,
            "sweep": pushed.VERSION,
            "layer": question.layer,
            "sizes": asked["sizes"],
            "direction": [first_concept.DIRECTION, open_examples(first_concept.EXAMPLES).digest],
            "prompt": first_concept.PROMPT,
            "doses": list(DOSES),
        },
    }


def make_tour(model: Model, *, progress: Listener = silent) -> dict[str, Any]:
    """What `open_tour` reads; minutes, unless it was computed before. The test is made by `assets --only tcav`."""
    first_concept.make_first_concept(model, progress=progress)
    question = _question(model)
    found = {}
    for name in ("readable", "carried", "pushed"):
        part = PARTS[name]
        found[name] = part.look(model, question) or part.compute(model, question, progress)
    views: dict[str, dict[str, Any]] = {
        "probe": {"sweep": _sweep(found["readable"])},
        "test": {},
        "browse": _browse(model, question, found["carried"]),
        "steer": {"pushed": _pushed(found["pushed"]), "written": _written(model)},
    }
    concepts = (first_concept.EXAMPLES, *first_concept.BESIDE)
    made_of = sources(model)
    return {
        "titles": {id: open_examples(id, limit=4).title for id in concepts},
        **{
            name: {"key": workspace.digest(made_of[name]), "made_of": made_of[name], **value}
            for name, value in views.items()
        },
    }


def _question(model: AnyModel) -> Question:
    """What the Concept page asks about the first concept by itself."""
    return ask(
        model,
        first_concept.EXAMPLES,
        layer=first_concept.LAYER,
        target=first_concept.TARGET,
        dictionary=first_concept.DICTIONARY,
    )


def _sweep(sweep: Sweep) -> dict[str, Any]:
    """Without what the tour does not show."""
    results = tuple(replace(one, control_task=None, codelength=None) for one in sweep.results)
    best = replace(sweep.best, control_task=None, codelength=None)
    return replace(sweep, results=results, best=best, seconds=0.0).to_json()


def _browse(model: Model, question: Question, carried: Carried) -> dict[str, Any]:
    from core.dictionaries import fitted, open_dictionary
    from core.dictionaries.index import open_index
    from core.dictionaries.index.feature import TOP, examples_of

    index = open_index(fitted(open_dictionary(question.dictionary), model))
    windows: dict[str, dict[str, Any]] = {}
    for one in examples_of(index, model, carried.result["best"]["feature"]):
        if one.band == TOP and one.tokens and one.source["set"] not in windows:
            place = _place(model, index.texts.of([one.text])[0], index.settings.max_length, one)
            windows |= {one.source["set"]: place} if place else {}
    told = carried.to_json()
    shown = {**told, "best": _textless(told["best"]), "features": [*map(_textless, told["features"][:FEATURES])]}
    return {"carried": shown, "windows": list(windows.values())[:WINDOWS]}


def _textless(feature: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in feature.items() if name != "example"}


def _place(model: Model, passage: str, longest: int, example: Example) -> dict[str, Any] | None:
    """Where an example's tokens stand in their file, and the codes; its text is left where it is. None where a
    character is torn at the window's end, so that tokens are no pieces of the text."""
    from core.models import text_pieces, tokenize

    ids = tokenize(model, [passage], longest)[0]
    before = text_pieces(model, ids)[: example.position - example.centre]
    window = "".join(token.text for token in example.tokens)
    start = len("".join(before))
    if passage[start : start + len(window)] != window:
        return None
    return {
        "set": example.source["set"],
        "row": example.source["row"],
        "start": example.source["start"] + start,
        "lengths": [len(token.text) for token in example.tokens],
        "values": [token.value for token in example.tokens],
        "centre": example.centre,
        "value": example.value,
        "check": zlib.crc32(window.encode("utf-8", errors="surrogatepass")),
    }


def _pushed(pushed: Pushed) -> dict[str, Any]:
    kept = {name: pushed.result.get(name) for name in ("range", "range_held", "slope")}
    lines = {name: [asdict(line) for line in dose_lines(pushed.sweep, name)] for name in QUANTITIES}  # type: ignore[arg-type]
    texts = len(pushed.result["results"])
    told: dict[str, Any] = finite({**kept, "texts": texts, "prompts": len(pushed.sweep.prompts), "lines": lines})
    return told


def _written(model: Model) -> list[dict[str, Any]]:
    """What the Steering page writes by itself for the first concept, plain and at each dose."""
    from core.directions import load_direction
    from core.steering import steer

    direction = load_direction(first_concept.DIRECTION)
    return [{"dose": one.dose, "text": one.text} for one in steer(model, direction, first_concept.PROMPT, DOSES)]
