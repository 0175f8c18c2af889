"""A recipe over several prompts and seeds: each text beside the plain one with the same random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from core.errors import UserError
from core.models.model import Model
from core.progress import Listener, silent
from core.steering.guarding import Guards
from core.steering.kept import Block, write_blocks
from core.steering.ready import Ready, prepare
from core.steering.recipe import Recipe
from core.steering.sources import Make, OpenFeature, direction_for
from core.steering.texts import text_of
from core.steering.writing import Row


@dataclass(frozen=True)
class RecipeText:
    """One text. steered: written under the recipe, else plain. tokens: ids, the end token included."""

    prompt: str
    seed: int
    steered: bool
    text: str
    tokens: tuple[int, ...]
    guards: Guards

    def to_json(self) -> dict[str, Any]:
        numbers = {n: None if v is None or not np.isfinite(v) else v for n, v in asdict(self.guards).items()}
        return {"prompt": self.prompt, "seed": self.seed, "text": self.text, "tokens": list(self.tokens)} | {
            "guards": numbers
        }


@dataclass(frozen=True, eq=False)
class RecipeRun:
    """All texts of a recipe. ready: of the first prompt. tokens_per_second: 0 where all texts were kept from before."""

    texts: tuple[RecipeText, ...]
    ready: Ready
    tokens_per_second: float


def run_recipe(
    model: Model,
    recipe: Recipe,
    *,
    prompts: Sequence[str] = (),
    seeds: Sequence[int] = (),
    make: Make = direction_for,
    open_feature: OpenFeature | None = None,
    progress: Listener = silent,
) -> RecipeRun:
    """Plain and steered texts for each prompt (default: the recipe's own) and seed (default: its own)."""
    recipes = [replace(recipe, prompt=prompt, turns=()) for prompt in prompts] or [recipe]
    if len(set(seeds)) > 1 and recipe.decoding.temperature == 0:
        raise UserError("At temperature 0 all seeds give the same text; raise the recipe's temperature.")
    seeds = seeds or [recipe.decoding.seed]
    ready = [prepare(model, one, make=make, open_feature=open_feature, progress=progress) for one in recipes]
    plan = [(number, seed) for number in range(len(ready)) for seed in seeds]
    blocks = [
        Block(
            tuple(Row(ready[n].ids, ready[n].interventions if steered else (), seed) for n, seed in plan),
            tuple(ready[n].ids for n, _ in plan),
        )
        for steered in (False, True)
    ]
    made = write_blocks(model, blocks, recipe.decoding, targets=ready[0].targets, progress=progress)
    texts = [
        RecipeText(
            prompt=_said(recipes[number]),
            seed=seed,
            steered=bool(steered),
            text=text_of(model, one.written.tokens),
            tokens=one.written.tokens,
            guards=one.guards,
        )
        for steered, of_block in enumerate(made.texts)
        for (number, seed), one in zip(plan, of_block, strict=True)
    ]
    return RecipeRun(tuple(texts), ready[0], made.tokens_per_second)


def _said(recipe: Recipe) -> str:
    return recipe.turns[-1].content if recipe.turns else recipe.prompt
