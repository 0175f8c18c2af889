"""A recipe made ready for a model: directions found, doses turned into amounts, turns into tokens."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from core.activations import known_norm, typical_norm
from core.directions import Direction, check_fits, site_of
from core.errors import UserError
from core.models.model import Model
from core.models.site import Site
from core.models.words import word_tokens
from core.progress import Listener, silent
from core.steering.features import CodeEdit
from core.steering.interventions import Condition, Intervention
from core.steering.operators import Operator, operator_named
from core.steering.positions import Positions
from core.steering.reading import scale_of
from core.steering.recipe import Part, Recipe, When
from core.steering.sources import Make, OpenFeature, direction_for
from core.steering.texts import prompt_ids
from core.steering.turns import Turn, chat_ids, spans


@dataclass(frozen=True, eq=False)
class Made:
    """One intervention and what it came from. part: its number in the recipe. norm: typical norm at its site."""

    part: int
    direction: Direction
    intervention: Intervention
    norm: float
    dose: float


@dataclass(frozen=True, eq=False)
class Ready:
    """A recipe, the token ids of its prompt, and its interventions in order. targets: token ids of its target words."""

    recipe: Recipe
    ids: tuple[int, ...]
    made: tuple[Made, ...]
    targets: tuple[int, ...] = ()

    @property
    def interventions(self) -> tuple[Intervention, ...]:
        return tuple(one.intervention for one in self.made)


def prepare(
    model: Model,
    recipe: Recipe,
    *,
    make: Make = direction_for,
    open_feature: OpenFeature | None = None,
    progress: Listener = silent,
) -> Ready:
    """What the recipe says, for this model. Directions are made and norms measured where they are not known.

    make: how directions are had, `direction_for` by default. open_feature: how features of dictionaries are.
    Raises UserError if the recipe was saved with another model, and for whatever is not there.
    """
    if recipe.fingerprint and recipe.fingerprint != model.fingerprint:
        raise UserError(
            f"The recipe was saved with {recipe.model} ({recipe.fingerprint[:8]}), not with {model.id} "
            f"({model.fingerprint[:8]}); open that model, or empty the recipe's fingerprint to try it here."
        )
    ids = recipe_ids(model, recipe)
    targets = tuple(word_tokens(model, list(recipe.targets)))
    made = []
    for number, part in enumerate(recipe.parts):
        positions = positions_of(model, recipe, part)
        for direction, operator, site in _placed(model, part, make, open_feature, progress):
            norm = (known_norm(model, site) or typical_norm(model, site, progress=progress)).median
            amount = part.dose * (norm if operator_unit(operator) == "norm" else 1.0)
            condition = None if part.when is None else _condition(model, part.when, site, make, progress)
            one = Intervention(site, direction.vector, amount, positions, operator, condition)
            made.append(Made(number, direction, one, norm, part.dose))
    return Ready(recipe, ids, tuple(made), targets)


def recipe_ids(model: Model, recipe: Recipe) -> tuple[int, ...]:
    """Token ids of the recipe's prompt or conversation."""
    if recipe.turns:
        return tuple(chat_ids(model, recipe.turns))
    return tuple(prompt_ids(model, recipe.prompt, chat=recipe.chat))


def positions_of(model: Model, recipe: Recipe, part: Part) -> Positions:
    """On which tokens a part acts, its turns found among the tokens of the prompt."""
    if part.turns is None:
        return part.positions
    turns = recipe.turns or (Turn("user", recipe.prompt),)
    return replace(part.positions, within=spans(model, turns, part.turns))


def operator_unit(operator: Operator) -> str:
    """What a dose of this operator counts."""
    return operator.base.unit if isinstance(operator, CodeEdit) else operator.unit


def only(ready: Ready, kept: Collection[int]) -> Recipe:
    """The recipe of some of its interventions alone. kept: their places in `ready.made`, counted from 0."""
    parts = []
    for number, part in enumerate(ready.recipe.parts):
        own = [place for place, one in enumerate(ready.made) if one.part == number]
        left = [place for place in own if place in kept]
        if left == own:
            parts.append(part)
        elif left:
            parts.append(replace(part, layers=tuple(ready.made[place].intervention.site.layer for place in left)))
    return replace(ready.recipe, parts=tuple(parts))


def with_digests(recipe: Recipe, ready: Ready, model: Model) -> Recipe:
    """The recipe with the model's fingerprint and its directions' digests, so that it rebuilds this very run."""
    parts = []
    for number, part in enumerate(recipe.parts):
        first = next(one for one in ready.made if one.part == number)
        own = part.source.made and part.layers not in ((), (part.source.layer,))
        digest = "" if own else first.direction.digest
        parts.append(replace(part, source=replace(part.source, digest=digest)))
    return replace(recipe, parts=tuple(parts), fingerprint=model.fingerprint)


def _placed(
    model: Model, part: Part, make: Make, open_feature: OpenFeature | None, progress: Listener
) -> Iterator[tuple[Direction, Operator, Site]]:
    """Direction, operator and site for each layer of a part."""
    source, operator = part.source, operator_named(part.operator)
    if source.kind == "feature":
        if open_feature is None:
            raise UserError("Features of dictionaries cannot be opened here; take a saved direction.")
        assert source.feature is not None  # checked in Source
        feature = open_feature(model, source.of, source.feature)
        if part.layers not in ((), (feature.direction.layer,)):
            raise UserError(f"A feature lives at its dictionary's layer {feature.direction.layer}; leave 'layers' out.")
        yield feature.direction, CodeEdit(operator, feature), site_of(model, feature.direction)
        return
    for layer in part.layers or (None,):
        direction = make(model, source, layer if source.made else None, progress)
        own = site_of(model, direction)
        if layer is None or layer == direction.layer:
            yield direction, operator, own
            continue
        if own.kind not in ("after", "before"):
            raise UserError(f"{direction.name!r} lies at {own}, inside a block, and means nothing at layer {layer}.")
        yield direction, operator, model.site(layer, own.kind)


def _condition(model: Model, when: When, acts: Site, make: Make, progress: Listener) -> Condition:
    if when.source.kind == "feature":
        raise UserError("A condition is read along a direction; take a saved direction or a probe for it.")
    direction = make(model, when.source, when.layer if when.source.made else None, progress)
    check_fits(direction, model)
    site = site_of(model, direction) if when.layer is None else model.site(when.layer)
    scale = scale_of(model, site, direction.vector)
    return Condition(when.per, scale.raw(when.above), site, direction.vector)
