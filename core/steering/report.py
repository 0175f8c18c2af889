"""A run as a page of Markdown or HTML: what was done, what was written, what it broke, the recipe to do it again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from core.models.model import Model
from core.steering.guarding import Guards
from core.steering.ready import Ready, with_digests
from core.steering.texts import text_of
from core.versions import version

GUARDS = {
    "kl": "KL from the plain model, nats per token",
    "entropy": "entropy of the next token, bits",
    "perplexity": "perplexity under the plain model",
    "repetition": "repetition, share of runs of three tokens",
    "target": "target words, mean probability",
}
TITLE = "A steered text"
# Nothing is fetched and nothing runs, whatever the texts hold.
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; display: block; overflow-x: auto; }}
th, td {{ border-bottom: 1px solid #8886; padding: .3rem .8rem .3rem 0; text-align: left; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid #8886; border-radius: .4rem; padding: .8rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


@dataclass(frozen=True)
class _Part:
    """A piece of the report. rows: a table, its first row the head. text: prose, or as it stands if `exact`."""

    heading: str = ""
    text: str = ""
    exact: str = ""  # the kind of text: text, json
    rows: tuple[tuple[str, ...], ...] = ()


def run_report(
    model: Model,
    ready: Ready,
    tokens: tuple[tuple[int, ...], tuple[int, ...]],
    fired: Sequence[Sequence[bool]],
    guards: tuple[Guards, Guards],
) -> str:
    """As Markdown. tokens, guards: of the plain and of the steered text. fired: per intervention, see `Moment`."""
    lines = [f"# {TITLE}"]
    for part in _parts(model, ready, tokens, fired, guards):
        lines += [f"## {part.heading}"] if part.heading else []
        lines.append(
            _table(part.rows) if part.rows else _fenced(part.text, part.exact) if part.exact else _cell(part.text)
        )
    return "\n\n".join(lines) + "\n"


def run_page(
    model: Model,
    ready: Ready,
    tokens: tuple[tuple[int, ...], tuple[int, ...]],
    fired: Sequence[Sequence[bool]],
    guards: tuple[Guards, Guards],
) -> str:
    """As `run_report`, as one page of HTML that needs nothing else."""
    lines = []
    for part in _parts(model, ready, tokens, fired, guards):
        lines += [f"<h2>{escape(part.heading)}</h2>"] if part.heading else []
        if part.rows:
            head, *rows = part.rows
            lines.append("<table>" + _row("th", head) + "".join(_row("td", row) for row in rows) + "</table>")
        else:
            lines.append(f"<pre>\n{escape(part.text)}</pre>" if part.exact else f"<p>{escape(part.text)}</p>")
    return _PAGE.format(title=TITLE, body="\n".join(lines))


def _parts(
    model: Model,
    ready: Ready,
    tokens: tuple[tuple[int, ...], tuple[int, ...]],
    fired: Sequence[Sequence[bool]],
    guards: tuple[Guards, Guards],
) -> list[_Part]:
    recipe, decoding = ready.recipe, ready.recipe.decoding
    acts = [
        (
            str(number),
            one.intervention.operator.name,
            recipe.parts[one.part].source.title,
            str(one.intervention.site),
            f"{one.dose:+g}",
            f"{one.intervention.coefficient:+.4g}",
            f"{sum(own)} of {len(own)}",
        )
        for number, (one, own) in enumerate(zip(ready.made, fired, strict=True), 1)
    ]
    chosen = (
        "greedy"
        if decoding.temperature == 0
        else f"temperature {decoding.temperature:g}, top-p {decoding.top_p:g}, seed {decoding.seed}"
    )
    rows = [
        (f"{said}: {', '.join(recipe.targets)}" if name == "target" else said, *(_number(one) for one in values))
        for name, said in GUARDS.items()
        if None not in (values := [getattr(one, name) for one in guards])
    ]
    written = [text_of(model, own) for own in tokens]
    prompt = recipe.prompt or "\n".join(f"{turn.role}: {turn.content}" for turn in recipe.turns)
    about = (
        f"Model {model.id} ({model.fingerprint}), {decoding.max_new_tokens} new tokens at most, {chosen}, repetition "
        f"penalty {decoding.repetition_penalty:g}. torch {version('torch')}, transformers {version('transformers')}."
    )
    head = ("", "operator", "along", "at", "dose", "raw coefficient", "acted on tokens")
    return [
        _Part(text=about),
        _Part("Interventions", rows=(head, *acts)),
        _Part("Prompt", prompt, "text"),
        _Part("Plain", written[0], "text"),
        _Part("Steered", written[1], "text"),
        _Part("What it broke", rows=(("", "plain", "steered"), *rows)),
        _Part("Recipe", with_digests(recipe, ready, model).to_text().strip(), "json"),
    ]


def _row(kind: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{kind}>{escape(cell)}</{kind}>" for cell in cells) + "</tr>"


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
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
