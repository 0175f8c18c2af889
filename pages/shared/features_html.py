"""Features as one HTML file that opens anywhere, reaches nothing and runs nothing: for colleagues without the program.

All text of others is escaped, and what cannot be seen in it is written out, so that nothing is taken for markup or
turns the page around. A policy in its head lets no browser load or run anything.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from pages.shared.features_examples import VIEWS, view_of, where
from pages.shared.tokens import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from core.dictionaries.index.feature import Example, Feature
    from core.dictionaries.index.labels import Label

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
MOST = 5_000  # lines of a table: more take a browser seconds to open
STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; margin: .5rem 0; } th, td { padding: .2rem .7rem; text-align: left; }
th { border-bottom: 1px solid #8888; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
p.where { font-size: .8rem; opacity: .7; margin: .9rem 0 0; } p.text { line-height: 1.9; margin: 0; }
.t { font-family: ui-monospace, monospace; font-size: .92rem; white-space: pre-wrap; unicode-bidi: isolate;
  border-radius: 3px; padding: .1rem 0; overflow-wrap: anywhere; }
.c { font-weight: 700; text-decoration: underline; text-underline-offset: 3px; }
.x { outline: 1px dashed #8888; opacity: .65; }
"""


def card_html(one: Feature, label: Label | None, about: Mapping[str, str]) -> str:
    """A card: numbers, examples with tokens coloured by their codes, tokens, logits and neighbours."""
    name = f"{one.feature} · {_text(label.text) if label and label.text else 'no label'}"
    score = "" if label is None or label.score is None else f"{label.score:.2f}"
    facts = {
        **about,
        "density": f"{one.density:.5f} ({one.count:,} of {one.tokens:,} tokens)",
        "maximum": f"{one.max:.4g}",
        "label by": label.by if label else "",
        "label score (AUROC, 0.5 is chance)": score,
    }
    most = max(one.max, -one.min) or 1.0
    parts = [f"<h1>Feature {name}</h1>", _table(("", ""), [(key, value) for key, value in facts.items() if value])]
    for view, title in VIEWS.items():
        shown = [example for example in one.examples if example.tokens and view_of(example) == view]
        if shown:
            parts += [f"<h2>{escape(title)}</h2>", *(_example(example, most) for example in shown)]
    pairs = (("Promoted", "logits per dose", one.promoted), ("Suppressed", "logits per dose", one.suppressed))
    parts += _listed(
        "Where its activation falls",
        ("token", "share", "times"),
        [(token.text, f"{token.share:.3f}", f"{token.times:,}") for token in one.top_tokens],
    )
    for title, unit, logits in pairs:
        parts += _listed(title, ("token", unit), [(text, f"{value:+.3f}") for text, value in logits])
    for title, unit, near in (("Nearest", "cosine", one.nearest), ("On together", "correlation", one.together)):
        parts += _listed(title, ("feature", unit), [(str(each.feature), f"{each.value:.3f}") for each in near])
    return _page(f"Feature {one.feature}", parts)


def table_html(found: pd.DataFrame, name: str) -> str:
    """Lines of the table of features, 5,000 at the most; lists of tokens as text."""
    columns = [str(column) for column in found.columns]
    rows = [[_cell(value) for value in row] for row in found.head(MOST).itertuples(index=False)]
    more = f"<p>The first {MOST:,} of {len(found):,} lines.</p>" if len(found) > MOST else ""
    return _page(name, [f"<h1>{_text(name)}</h1>", more, _table(columns, rows)])


def _page(title: str, parts: Iterable[str]) -> str:
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width"><title>{_text(title)}</title><style>{STYLE}</style>'
    )
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'


def _example(example: Example, most: float) -> str:
    tokens = []
    for place, token in enumerate(example.tokens):
        kind = "t" + (" c" if place == example.centre else "") + (" x" if token.value is None else "")
        share = min(1.0, abs(token.value or 0.0) / most)
        colour = "0,114,178" if (token.value or 0.0) < 0 else "213,94,0"
        said = "not read" if token.value is None else f"{token.value:.3g}"
        tokens.append(
            f'<span class="{kind}" title="{said}" style="background:rgba({colour},{0.62 * share:.3f})">'
            f"{_text(token.text)}</span>"
        )
    head = f"{where(example)} · {example.source['set']}, row {example.source['row']}"
    return f'<p class="where">{_text(head)}</p><p class="text">{"".join(tokens)}</p>'


def _listed(title: str, heading: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"<h2>{escape(title)}</h2>", _table(heading, rows)] if rows else []


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{_text(name)}</th>" for name in heading) if any(heading) else ""
    lines = "".join(
        "<tr>" + "".join(f"<td{' class=n' if _is_number(cell) else ''}>{_text(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{top}</tr>{lines}</table>"


def _cell(value: object) -> str:
    if isinstance(value, list | tuple):
        return "  ".join(visible(str(one)) for one in value)
    if isinstance(value, float):
        return "" if value != value else f"{value:.5g}"
    return str(value)


def _is_number(cell: str) -> bool:
    return cell.lstrip("+-").replace(",", "").replace(".", "", 1).isdigit()


def _text(text: str) -> str:
    """Text of others: nothing hidden, nothing that is markup."""
    return escape(visible(text)) if text else ""
