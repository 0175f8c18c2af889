"""A run as a page of Markdown: what was done, what was written, what it broke, and the recipe to do it again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import version

from core.models.model import Model
from core.steering.guarding import Guards
from core.steering.ready import Ready, with_digests
from core.steering.texts import text_of

GUARDS = {
    "kl": "KL from the plain model, nats per token",
    "entropy": "entropy of the next token, bits",
    "perplexity": "perplexity under the plain model",
    "repetition": "repetition, share of runs of three tokens",
}


def run_report(
    model: Model,
    ready: Ready,
    tokens: tuple[tuple[int, ...], tuple[int, ...]],
    fired: Sequence[Sequence[bool]],
    guards: tuple[Guards, Guards],
) -> str:
    """tokens, guards: of the plain and of the steered text. fired: per intervention, see `Moment`."""
    recipe, decoding = ready.recipe, ready.recipe.decoding
    acts = [
        [
            str(number),
            one.intervention.operator.name,
            recipe.parts[one.part].source.title,
            str(one.intervention.site),
            f"{one.dose:+g}",
            f"{one.intervention.coefficient:+.4g}",
            f"{sum(own)} of {len(own)}",
        ]
        for number, (one, own) in enumerate(zip(ready.made, fired, strict=True), 1)
    ]
    chosen = (
        "greedy"
        if decoding.temperature == 0
        else f"temperature {decoding.temperature:g}, top-p {decoding.top_p:g}, seed {decoding.seed}"
    )
    rows = [[said, *(_number(getattr(one, name)) for one in guards)] for name, said in GUARDS.items()]
    written = [text_of(model, own) for own in tokens]
    prompt = recipe.prompt or "\n".join(f"{turn.role}: {turn.content}" for turn in recipe.turns)
    return (
        "\n\n".join(
            [
                "# A steered text",
                f"Model {_cell(model.id)} ({model.fingerprint}), {decoding.max_new_tokens} new tokens at most, "
                f"{chosen}, repetition penalty {decoding.repetition_penalty:g}. torch {version('torch')}, transformers "
                f"{version('transformers')}.",
                "## Interventions",
                _table(["", "operator", "along", "at", "dose", "raw coefficient", "acted on tokens"], acts),
                "## Prompt",
                _fenced(prompt),
                "## Plain",
                _fenced(written[0]),
                "## Steered",
                _fenced(written[1]),
                "## What it broke",
                _table(["", "plain", "steered"], rows),
                "## Recipe",
                _fenced(with_digests(recipe, ready, model).to_text().strip(), "json"),
            ]
        )
        + "\n"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    """Text of others in a table, where nothing of it is markup."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split()))


def _fenced(text: str, kind: str = "text") -> str:
    """Text of others as it stands, in a fence longer than any in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{kind}\n{text}\n{fence}"


def _number(value: float) -> str:
    return "none" if value != value else f"{value:.3g}"
