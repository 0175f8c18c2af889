"""Training a tuned lens: regression, then gradient descent, resumable at any moment.

Belrose et al. 2023 ("Eliciting Latent Predictions from Transformers with the Tuned Lens") train each layer's affine
map by the divergence of the lens from the model's own answer, over tens of millions of tokens. With a thousand
times fewer, which two cores can read in minutes, one has to begin close by: here with the ridge regression of the last
layer's (normed) stream on the layer's own, which one pass over the texts gives. A second pass then descends on the
divergence itself, in coordinates in which the streams are white, over a part of the vocabulary at each step.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import torch

from core import workspace
from core.errors import UserError
from core.examples import reference_texts
from core.lenses.course import Course
from core.lenses.held_out import score_lens
from core.lenses.lens import TunedLens
from core.lenses.library import found_at, load_lens, save_lens
from core.lenses.settings import LensSettings, key_of, recipe_of
from core.lenses.streams import hold_out
from core.models import Model, tokenize
from core.progress import Listener, silent

HELD_OUT = 100  # texts
GROUP_BYTES = 1 << 30  # of a group of layers while it is trained


def train_lens(
    model: Model,
    texts: Sequence[str] | None = None,
    *,
    layers: Sequence[int] | None = None,
    settings: LensSettings | None = None,
    progress: Listener = silent,
) -> TunedLens:
    """The tuned lens of `model` for `layers` (all by default), trained now unless it was before.

    texts: the 2,000 of the reference by default; 100 of them, or a quarter of fewer, are held out and scored, and
    nothing is chosen on them. A call that was stopped goes on where it was, and ends with the same lens as an
    undisturbed one. Raises UserError for too few texts, and for a network that cannot be trained through.
    """
    settings = settings or LensSettings()
    chosen = _layers(model, layers)
    given = tuple(reference_texts() if texts is None else texts)
    recipe = recipe_of(model, chosen, given, settings)
    key = key_of(recipe)
    if found_at(key).is_file():
        return load_lens(key)
    train, held = hold_out(given, HELD_OUT, settings.seed)
    ids = tokenize(model, list(given), settings.max_length)
    workspace.clear_parts()
    parts: list[dict[str, Any]] = []
    courses = [Course(model, key, group, ids, train, settings) for group in _groups(model, chosen)]
    for number, course in enumerate(courses):
        parts.append(course.run(progress, number, len(courses)))
    joined = {name: torch.cat([part[name] for part in parts]) for name in ("matrices", "centres", "biases")}
    lens = TunedLens(key, model.id, model.fingerprint, chosen, **joined, manifest={})
    manifest = {
        "recipe": recipe,
        "n_train_texts": len(train),
        "n_train_tokens": parts[0]["n_tokens"],
        "held_out": score_lens(model, lens, ids, held, progress),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    save_lens(TunedLens(key, model.id, model.fingerprint, chosen, **joined, manifest=manifest))
    for course in courses:
        course.forget()
    return load_lens(key)


def _layers(model: Model, layers: Sequence[int] | None) -> tuple[int, ...]:
    """Ascending, without the last one, whose stream is what the others are mapped to."""
    chosen = sorted(set(range(model.n_layers) if layers is None else layers))
    for layer in chosen:
        model.site(layer)  # says which layers there are
    before = tuple(layer for layer in chosen if layer < model.n_layers - 1)
    if not before:
        raise UserError(f"A tuned lens needs a layer before the last one, which is {model.n_layers - 1}.")
    return before


def _groups(model: Model, layers: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Layers that are trained together: as many as memory is set aside for, each about 40 width^2 bytes."""
    size = max(1, GROUP_BYTES // (40 * model.width**2))
    return [layers[first : first + size] for first in range(0, len(layers), size)]
