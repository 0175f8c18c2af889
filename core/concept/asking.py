"""A question from names, as pages and the command line have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.concept.carried import dictionaries_for, nearest
from core.concept.question import Question, Sizes
from core.examples import open_examples

if TYPE_CHECKING:
    from core.concept.question import AnyKind


def ask(
    model: AnyKind,
    id: str,
    *,
    layer: int | None = None,
    target: str = "",
    inputs: str = "",
    dictionary: str | None = None,
    sizes: Sizes | None = None,
) -> Question:
    """The question about the examples `id`; of a model of images they are a set of images.

    layer: by default a little before the middle. inputs: id of the set whose answers are asked about, "" for the
    concept's own. dictionary: None takes the nearest at hand. Raises UserError for what cannot be opened.
    """
    from core.models import ImageModel
    from core.tcav import make_inputs

    sizes = sizes or Sizes()
    layer = default_layer(model.n_layers) if layer is None else layer
    model.site(layer)  # says which layers there are
    if isinstance(model, ImageModel):
        from core.examples import open_images

        images = open_images(id, limit=sizes.rows)
        asked = None
        if inputs:
            others = open_images(inputs, limit=sizes.inputs)
            asked = make_inputs(inputs, others.images, others.groups)
        return Question(images, layer, target, asked, sizes=sizes)
    texts = open_examples(id, limit=sizes.rows)
    read = open_examples(inputs or id, limit=sizes.inputs)
    asked = make_inputs(inputs or id, read.texts, read.groups)
    if dictionary is None:
        dictionary = nearest(dictionaries_for(model.id), layer)
    ranked = open_examples(id, limit=sizes.feature_rows)
    return Question(texts, layer, target, asked, dictionary, ranked, sizes)


def default_layer(n_layers: int) -> int:
    """A layer a little before the middle, where concepts are usually read well and steering takes hold."""
    return (n_layers - 1) * 9 // 20
