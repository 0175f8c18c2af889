"""Pushed: what the model writes under doses of the concept's direction, beside random ones, and what that breaks."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from core import workspace
from core.activations import read_result, write_result
from core.activations.costs import forward, tokens_of
from core.concept.direction import direction_of, known_direction
from core.concept.part import Part
from core.concept.question import METHODS, Question
from core.concept.readable import only_texts
from core.errors import UserError
from core.progress import Listener, Progress
from core.steering import versions
from core.versions import release

if TYPE_CHECKING:
    from core.concept.question import AnyKind
    from core.directions import Direction
    from core.models import AnyModel, Model
    from core.steering import Decoding, DoseSweep, Judges

VERSION = 2
PUSH = METHODS[1]
PROMPT_TOKENS = 7  # of a neutral prompt
AT_ONCE = 6.0  # how many times slower a token is written than read, where many texts are written together


@dataclass(frozen=True, eq=False)
class Pushed:
    """result: the sweep as `steer --json` gives it, and `probe_slope`, the same as its `slope`, of the probe at another
    layer over doses, None without one. notes: sentences for people."""

    direction: str
    layer: int
    result: dict[str, Any]
    notes: tuple[str, ...]

    @cached_property
    def sweep(self) -> DoseSweep:
        from core.steering import sweep_of

        return sweep_of(self.result, self.direction)

    def to_json(self) -> dict[str, Any]:
        return {"direction": self.direction, "layer": self.layer, "notes": list(self.notes), **self.result}


def _decoding(question: Question) -> Decoding:
    from core.steering.dose_sweep import DECODING

    return replace(DECODING, max_new_tokens=question.sizes.tokens)


def _prompts(question: Question) -> tuple[str, ...]:
    from core.steering.prompts import NEUTRAL

    return NEUTRAL[: question.sizes.prompts]


def _doses(question: Question) -> tuple[float, ...]:
    return tuple(sorted({0.0, *question.sizes.doses}))


def _outermost(question: Question) -> tuple[float, ...]:
    """Where random directions are swept: these doses tell most of a slope."""
    doses = _doses(question)
    return (doses[0], doses[-1])


def _look(model: AnyKind, question: Question) -> Pushed | None:
    direction = known_direction(model, question, PUSH)  # type: ignore[arg-type]
    value = None if direction is None else read_result(_key(model, question, direction))  # type: ignore[arg-type]
    if direction is None or value is None:
        return None
    return Pushed(direction.name, direction.layer, value["result"], tuple(value["notes"]))


def _compute(model: AnyKind, question: Question, progress: Listener) -> Pushed:
    from core.models import opened
    from core.steering import compare_slopes, sweep_doses
    from core.steering.sweep_json import slope_json, to_json

    open_model = opened(model)  # type: ignore[arg-type]
    direction = direction_of(open_model, question, PUSH, progress)
    judges, notes = _judges(open_model, question, progress)
    doses = _doses(question)
    swept = sweep_doses(
        open_model,
        direction,
        _prompts(question),
        doses,
        judges=judges,
        decoding=_decoding(question),
        n_random=question.sizes.random,
        random_doses=_outermost(question),
        guard_controls=False,
        progress=progress,
    )
    heard = compare_slopes(swept, "score")
    result = finite(to_json(swept, doses) | {"probe_slope": None if heard is None else slope_json(heard)})
    write_result(_key(open_model, question, direction), {"result": result, "notes": notes})
    return Pushed(direction.name, direction.layer, result, tuple(notes))


def _judges(model: Model, question: Question, progress: Listener) -> tuple[Judges, list[str]]:
    """Both judges, taught on the concept's examples; those that cannot be had are said to be missing."""
    from core.steering import Judges, embedding_measure, other_layer, probe_measure

    found, notes = Judges(), []
    progress(Progress(0, 0, "texts", "teaching the judges"))
    site = model.site(other_layer(model, question.layer))
    try:
        found = replace(found, probe=probe_measure(model, question.texts, site, progress=progress), site=site)
    except UserError as error:
        notes.append(f"No probe judges the texts: {error}")
    try:
        found = replace(found, independent=embedding_measure(question.texts, progress=progress))
    except UserError as error:
        notes.append(f"No independent judge reads the texts: {error}")
    return found, notes


def _key(model: AnyModel, question: Question, direction: Direction) -> str:
    """Hashes everything that changes the texts and what the judges say of them."""
    from core.models import embedder_version

    return workspace.digest(
        {
            "what": "doses of a concept",
            "version": VERSION,
            "steering": [versions.TEXTS, versions.MEASURES],
            "libraries": [release("torch"), release("transformers"), release("scikit-learn")],
            "fingerprint": model.fingerprint,
            "device": model.device_type,
            "dtype": model.dtype_name,
            "direction": [direction.digest, direction.site],
            "examples": question.texts.digest,
            "embedder": embedder_version(),
            "prompts": list(_prompts(question)),
            "doses": list(_doses(question)),
            "random": [question.sizes.random, *_outermost(question)],
            "decoding": asdict(_decoding(question)),
        }
    )


def finite(value: Any) -> Any:
    """JSON values with None for what is not a finite number."""
    if isinstance(value, dict):
        return {name: finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not abs(value) < float("inf") else value


def _cost(model: AnyKind, question: Question) -> float:
    sizes = question.sizes
    own = sizes.prompts * (len(sizes.doses) + 1)
    texts = own + sizes.prompts * len(_outermost(question)) * sizes.random
    written = forward(texts * sizes.tokens, model.n_layers) * AT_ONCE
    read = forward((texts + own) * (sizes.tokens + PROMPT_TOKENS), model.n_layers)
    return written + read + 2 * forward(tokens_of(question.texts.texts), model.n_layers, 5)  # and the judges


PUSHED = Part(
    name="pushed",
    title="What does pushing it do?",
    watch="Look at whether the judge's line climbs with the dose where the random directions stay flat, and at which "
    "dose the perplexity begins to.",
    why_not=only_texts,
    look=_look,
    compute=_compute,
    cost=_cost,
    plain=Pushed.to_json,
)
