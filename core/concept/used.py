"""Used: whether the model's own answer depends on the concept, as the TCAV page tests it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from core.activations.costs import CHARACTERS_PER_TOKEN, IMAGE_TOKENS, forward, tokens_of
from core.concept.part import Part
from core.concept.question import Question, tested_layers, too_few
from core.progress import Listener

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.concept.question import AnyKind
    from core.tcav import Inputs, Tcav
    from core.tcav.sources import Labelled

FEWEST = 4  # groups of either class
KIND = "diffmean"  # of CAV: it needs no covariance, and so no pass over the reference
DIRECTIONS, DOSES = 21, 4  # of the real pushes: the CAV and 20 random ones
BACKWARD = 3  # a forward and a backward pass, in forward passes
CELL_SECONDS = 3.0  # permutations, bootstrap, readability and controls of one cell


def _why_not(model: AnyKind, question: Question) -> str:
    if not question.target:
        return "No answer of the model was named that could depend on it; name one with --target."
    return too_few(question.examples, FEWEST)


def inputs_of(question: Question) -> Inputs:
    """Whose answers are asked about: by default the concept's own examples, of which each serves on one side only."""
    from core.tcav import make_inputs
    from core.tcav.sources import items_of

    if question.inputs is not None:
        return question.inputs
    examples, most = question.examples, question.sizes.inputs
    return make_inputs(examples.id, items_of(examples)[:most], examples.groups[:most])


def controls_of(question: Question) -> Sequence[Labelled]:
    """The sets that stand for other concepts."""
    return _controls(question.sizes.controls, question.of_texts)


@cache
def _controls(count: int, texts: bool) -> Sequence[Labelled]:
    from core.tcav import open_controls, open_image_controls

    if not count:
        return ()
    return open_controls(count) if texts else open_image_controls(count)  # sets of texts open when they are asked for


def _test(model: AnyKind, question: Question, **more: Any) -> Tcav:
    from core.tcav import Settings, tcav
    from core.tcav.known import known_target

    sizes = question.sizes
    return tcav(
        model,
        [question.examples],
        [known_target(model, question.target)],
        inputs_of(question),
        tested_layers(question.layer, model.n_layers),
        settings=Settings((KIND,), KIND, permutations=sizes.permutations),
        controls=controls_of(question),
        pushed=sizes.pushed,
        **more,
    )


def _look(model: AnyKind, question: Question) -> Tcav | None:
    from core.models import NotOpened

    try:
        return _test(model, question, compute=False)
    except NotOpened:
        return None


def _compute(model: AnyKind, question: Question, progress: Listener) -> Tcav:
    return _test(model, question, progress=progress)


def _cost(model: AnyKind, question: Question) -> float:
    sizes, layers = question.sizes, tested_layers(question.layer, model.n_layers)
    items = inputs_of(question).items
    if question.of_texts:
        others = getattr(_controls(sizes.controls, True), "characters", 0) / CHARACTERS_PER_TOKEN
        own = tokens_of(question.texts.texts)
    else:
        others, own = IMAGE_TOKENS * 900.0, IMAGE_TOKENS * len(question.examples)  # controls share 900 drawings
    pushed = tokens_of(items) * min(1.0, sizes.pushed / len(items)) * DIRECTIONS * DOSES * len(layers)
    asked = forward(BACKWARD * tokens_of(items) + pushed, model.n_layers)
    return forward(others + own, model.n_layers, max(layers)) + asked + CELL_SECONDS * len(layers)


USED = Part(
    name="used",
    title="Does the answer depend on it?",
    watch="Look at the verdict first: a bar counts only where it leaves the grey cloud that labels dealt anew give, "
    "and hollow bars did not.",
    why_not=_why_not,
    look=_look,
    compute=_compute,
    cost=_cost,
    plain=lambda found: found.to_json(),
)
