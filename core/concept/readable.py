"""Readable: the sweep of probes over all layers, as the Probing page has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.activations.costs import forward, tokens_of
from core.concept.part import Part
from core.concept.question import METHODS, Question, too_few
from core.probing import Sweep, cached_sweep, sweep
from core.probing.asking import FEWEST
from core.progress import Listener

if TYPE_CHECKING:
    from core.concept.question import AnyKind

PROBE_SECONDS = 0.6  # one method at one layer, for 1,000 texts, with all controls


def only_texts(model: AnyKind, question: Question) -> str:
    """Why probes cannot be had; "" if they can."""
    if not question.of_texts:
        return "Probes read models of texts; of a model of images only the test of its answers is made."
    return too_few(question.examples, FEWEST)


def _look(model: AnyKind, question: Question) -> Sweep | None:
    return cached_sweep(model, question.texts, range(model.n_layers), methods=METHODS)  # type: ignore[arg-type]


def _compute(model: AnyKind, question: Question, progress: Listener) -> Sweep:
    layers = range(model.n_layers)
    return sweep(model, question.texts, layers, methods=METHODS, progress=progress)  # type: ignore[arg-type]


def _cost(model: AnyKind, question: Question) -> float:
    probes = PROBE_SECONDS * model.n_layers * len(METHODS) * len(question.texts) / 1000
    return forward(tokens_of(question.texts.texts), model.n_layers) + probes


READABLE = Part(
    name="readable",
    title="Where can it be read?",
    watch="Look at how far the curve stands above the grey control and the dashed lines: what shuffled labels, the "
    "words alone and the first block would score.",
    why_not=only_texts,
    look=_look,
    compute=_compute,
    cost=_cost,
    plain=Sweep.to_json,
)
