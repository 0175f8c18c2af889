"""A recipe as the Steering page's address: the choices that rebuild it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import UserError
from pages.shared.links import comma

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
    decoding = recipe.decoding
    found = {
        "model": recipe.model,
        "prompt": recipe.prompt,
        "tokens": str(decoding.max_new_tokens),
        "temperature": f"{decoding.temperature:g}",
        "top_p": f"{decoding.top_p:g}",
        "penalty": f"{decoding.repetition_penalty:g}",
        "seed": str(decoding.seed),
        "chat": "yes" if recipe.chat else "",
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


def _of_part(part: Part, suffix: str) -> dict[str, str]:
    found = {
        f"dose{suffix}": f"{part.dose:g}",
        f"positions{suffix}": "prompt,first,later" if part.tokens == ("all",) else comma(part.tokens),
        f"operator{suffix}": part.operator,
        f"layers{suffix}": comma(part.layers),
        f"turns{suffix}": part.turns or "",
        f"ranges{suffix}": ", ".join(f"{start}-{stop - 1}" for start, stop in part.ranges or ()),
    }
    if part.when is not None:
        found |= {f"when{suffix}": part.when.per, f"above{suffix}": f"{part.when.above:g}"}
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
