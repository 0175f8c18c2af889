"""A recipe as the Steering page's address: the choices that rebuild it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import first_concept
from core.errors import UserError
from pages.shared.links import comma, exact
from pages.shared.steering_generation import LARGEST_SEED, MOST_TOKENS, PENALTIES, TEMPERATURES, TOP_PS
from pages.shared.steering_parts import ABOVE, DOSES, MOST, PROMPT_CHARACTERS

if TYPE_CHECKING:
    from core.steering import Part, Recipe, Source


def choices_of(recipe: Recipe) -> dict[str, str]:
    """The page's choices, by their names in the address. UserError for what the page has no controls for."""
    if recipe.turns:
        raise UserError("The page takes one prompt; run a conversation with `steer --recipe`.")
    if not recipe.parts:
        raise UserError("This recipe holds no intervention; add one to see it here.")
    if not recipe.prompt.strip():
        raise UserError("The recipe's prompt is empty; write one into it, or begin with the page's own.")
    if not recipe.model:
        raise UserError("The recipe names no model; write one into it, such as smollm2.")
    _check_controls(recipe)
    decoding = recipe.decoding
    found = {
        "model": recipe.model,
        "prompt": recipe.prompt,
        "tokens": str(decoding.max_new_tokens),
        "temperature": exact(decoding.temperature),
        "top_p": exact(decoding.top_p),
        "penalty": exact(decoding.repetition_penalty),
        "seed": str(decoding.seed),
        "chat": "yes" if recipe.chat else "",
        "targets": ", ".join(recipe.targets),
        "more": str(len(recipe.parts) - 1),
    }
    concepts: set[str] = set()
    for number, part in enumerate(recipe.parts, 1):
        suffix = "" if number == 1 else f"_{number}"
        found |= _of_part(part, suffix)
        sources = [(part.source, suffix)] + ([(part.when.source, f"_when{suffix}")] if part.when else [])
        for source, own in sources:
            found |= _of_source(source, own)
            concepts |= {source.of} if source.kind == "examples" else set()
    if len(concepts) > 1:
        raise UserError("The page has one concept at a time; save the other directions, or run `steer --recipe`.")
    found["concept"] = next(iter(concepts), "")
    return {name: value for name, value in found.items() if value}


def _check_controls(recipe: Recipe) -> None:
    """Whether the page's controls go as far as the recipe: what they cannot say would be changed in silence."""
    numbers: list[tuple[str, float, tuple[float, float]]] = [
        ("characters in its prompt", len(recipe.prompt), (1, PROMPT_CHARACTERS)),
        ("interventions", len(recipe.parts), (1, MOST)),
        ("new tokens", recipe.decoding.max_new_tokens, (1, MOST_TOKENS)),
        ("as temperature", recipe.decoding.temperature, TEMPERATURES),
        ("as top-p", recipe.decoding.top_p, TOP_PS),
        ("as repetition penalty", recipe.decoding.repetition_penalty, PENALTIES),
        ("as seed", recipe.decoding.seed, (0, LARGEST_SEED)),
    ]
    for part in recipe.parts:
        numbers.append(("as a dose", part.dose, DOSES))
        numbers += [("as the value of a condition", part.when.above, ABOVE)] if part.when else []
    for name, value, (low, high) in numbers:
        if not low <= value <= high:
            raise UserError(
                f"The recipe has {value:,.6g} {name}, and this page goes from {low:,.10g} to {high:,.10g}; run it with "
                "`steer --recipe`."
            )
    for part in recipe.parts:
        if part.when and part.when.layer not in (None, part.when.source.layer):
            raise UserError("The page reads a condition at its own direction's layer; run this with `steer --recipe`.")
        for source in (part.source, *([part.when.source] if part.when else [])):
            if source.limit not in (None, first_concept.LIMIT):
                raise UserError(
                    f"The page makes directions from up to {first_concept.LIMIT:,} rows, and the recipe says "
                    f"{source.limit:,}; run it with `steer --recipe`."
                )


def _of_part(part: Part, suffix: str) -> dict[str, str]:
    found = {
        f"dose{suffix}": exact(part.dose),
        f"positions{suffix}": "prompt,first,later" if part.tokens == ("all",) else comma(part.tokens),
        f"operator{suffix}": part.operator,
        f"layers{suffix}": comma(part.layers),
        f"turns{suffix}": part.turns or "",
        f"ranges{suffix}": ", ".join(f"{start}-{stop - 1}" for start, stop in part.ranges or ()),
    }
    if part.when is not None:
        found |= {f"when{suffix}": part.when.per, f"above{suffix}": exact(part.when.above)}
    return found


def _of_source(source: Source, suffix: str) -> dict[str, str]:
    layer = {} if source.layer is None else {f"layer{suffix}": str(source.layer)}
    if source.kind == "saved":
        return {f"from{suffix}": "saved", f"direction{suffix}": source.of}
    if source.kind == "sum":
        return {f"from{suffix}": "sum", f"sum{suffix}": source.of}
    if source.kind == "feature":
        return {f"from{suffix}": "feature", f"dictionary{suffix}": source.of, f"feature{suffix}": str(source.feature)}
    if source.kind == "texts":
        sides = {f"plus{suffix}": "\n".join(source.plus), f"minus{suffix}": "\n".join(source.minus) or " "}
        return {f"from{suffix}": "pasted", **sides, **layer}
    if source.kind == "words":
        return {f"method{suffix}": "observable", f"words{suffix}": source.of, **layer}
    return {f"method{suffix}": source.method, f"other{suffix}": source.other, **layer}
