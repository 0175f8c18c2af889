"""The report: one HTML file that opens from disk, holds its numbers as data, and asks nothing of any network."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.charts import Figure, cosine_map, figure_values, null_bars, plotly_script
from core.charts.heat import inert
from core.concept.figures import QUANTITIES, around_figure, bars_of, dose_figure, measured, sweep_figure
from core.concept.report.markup import Markup, embedded, escape, more, theirs
from core.concept.report.sections import section
from core.concept.telling import summary

if TYPE_CHECKING:
    from core.concept.gathering import Concept
    from core.concept.part import View

HERE = Path(__file__).parent
# Nothing may be fetched, whatever a text in the file says.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
CHARTS = ("measure", "score", "perplexity", "repetition")


def report_data(concept: Concept, command: str) -> dict[str, Any]:
    """Everything in the report, as JSON values. command: the line that rebuilds it."""
    return {"command": command, **concept.to_json()}


def report_html(concept: Concept, command: str) -> str:
    """The whole file. Its data stands in the element `data` as it is given by `report_data`."""
    data = report_data(concept, command)
    figures = {f"chart-{name}": figure_values(figure) for name, figure in figures_of(concept).items()}
    markup, about = Markup(data), data["provenance"]
    title = f"{about['title']} in {about['model']}"
    body = [_head(data), _disagreements(data)]
    body += [_view(markup, view, data, figures) for view in concept.views.values()]
    body.append(_provenance(data))
    return "\n".join(
        [
            "<!doctype html>",
            "<html lang=en><head><meta charset=utf-8>",
            '<meta name=viewport content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">',
            f"<title>{escape(title)}</title><style>{_file('style.css')}</style></head><body><main>",
            *body,
            "</main>",
            f'<script type="application/json" id=data>{embedded(data)}</script>',
            f'<script type="application/json" id=figures>{embedded(figures)}</script>',
            f"<script>{_plotly()}</script><script>{_file('draw.js')}</script></body></html>",
        ]
    )


def figures_of(concept: Concept) -> dict[str, Figure]:
    """The charts of what is there, by the name of their view; those of the push by `pushed-` and the quantity."""
    found: dict[str, Figure] = {}
    if (swept := concept.found("readable")) is not None:
        found["readable"] = sweep_figure(swept)
    if (tested := concept.found("used")) is not None:
        cells = list(tested.results)
        names = [f"layer {cell['layer']}" for cell in cells]
        found["used"] = null_bars(bars_of(cells, names), title="mean cosine of gradient and CAV")
    if (pushed := concept.found("pushed")) is not None:
        for quantity in CHARTS:
            if measured(pushed.sweep, quantity):  # type: ignore[arg-type]
                found[f"pushed-{quantity}"] = dose_figure(pushed.sweep, quantity)  # type: ignore[arg-type]
    if (related := concept.found("related")) is not None:
        if len(related.names) > related.own:
            found["related"] = cosine_map([inert(name) for name in related.names], related.cosines)
        if (around := around_figure(related, "this concept")) is not None:
            found["related-map"] = around
    return found


def _head(data: dict[str, Any]) -> str:
    about = data["provenance"]
    asked = about["question"]
    answer = f", answer {theirs(asked['target'])}" if asked["target"] else ""
    return (
        f"<h1>{theirs(about['title'])}</h1>"
        f"<p class=lead>{about['positives']:,} × {theirs(about['positive_name'])} against {about['negatives']:,} ×"
        f" {theirs(about['negative_name'])}, in the model {theirs(about['model'])}, at layer {asked['layer']}{answer}."
        " Everything known about one concept in one model.</p>"
    )


def _disagreements(data: dict[str, Any]) -> str:
    said = "".join(f"<li>{escape(one['sentence'])}</li>" for one in data["disagreements"])
    there = sum(view["state"] == "there" for view in data["views"].values())
    if not said:
        nothing = (
            "Nothing that was computed contradicts another." if there > 1 else "There is too little to compare yet."
        )
        return f"<div class=disagree><strong>Where the views disagree</strong><p>{nothing}</p></div>"
    return f"<div class=disagree><strong>Where the views disagree</strong><ul>{said}</ul></div>"


def _view(markup: Markup, view: View, data: dict[str, Any], figures: dict[str, Any]) -> str:
    name = view.part.name
    head = f'<section id="{name}"><h2>{escape(view.part.title)}</h2>'
    if view.state != "there":
        why = view.why or "This was not computed."
        return f"{head}<p class=lead>{theirs(why)}</p></section>"
    own = data["views"][name]["data"]
    charts = [id for id in figures if id == f"chart-{name}" or id.startswith(f"chart-{name}-")]
    drawn = "".join(_chart(id, figures[id]) for id in charts)
    drawn = f"<div class=charts>{drawn}</div>" if len(charts) > 1 else drawn
    return (
        f"{head}<p class=said>{theirs(summary(name, own))}</p><p class=watch>{escape(view.part.watch)}</p>"
        f"{drawn}{section(markup, name, own)}</section>"
    )


def _chart(id: str, figure: dict[str, Any]) -> str:
    quantity = id.removeprefix("chart-pushed-")
    title = f"<h3>{escape(QUANTITIES[quantity][0])}</h3>" if quantity in QUANTITIES else ""
    height = int(figure["layout"]["height"])
    return f'<div>{title}<div class=chart id="{id}" style="height:{height}px"></div></div>'


def _provenance(data: dict[str, Any]) -> str:
    about = data["provenance"]
    asked = about["question"]
    rows = {
        "examples": f"{asked['examples']} ({about['source']})",
        "hash of the examples": asked["digest"],
        "model": f"{about['model']} ({about['fingerprint']}), {about['device']}, {about['dtype']}",
        "inputs": "none" if asked["inputs"] is None else f"{asked['inputs']['id']}, {asked['inputs']['rows']} rows",
        "dictionary": asked["dictionary"] or "none",
        "sizes": ", ".join(f"{name} {value}" for name, value in asked["sizes"].items()),
        "versions": ", ".join(f"{name} {value}" for name, value in about["versions"].items()),
    }
    lines = "".join(
        f"<tr><th scope=row>{escape(name)}</th><td>{theirs(value)}</td></tr>" for name, value in rows.items()
    )
    return (
        "<section id=provenance><h2>What was it made of?</h2><p class=watch>This line makes the report anew:</p>"
        f"<pre><code>{escape(data['command'])}</code></pre>"
        + more("Everything that decides the numbers", f"<div class=wide><table><tbody>{lines}</tbody></table></div>")
        + "</section>"
    )


@cache
def _file(name: str) -> str:
    return (HERE / name).read_text("utf-8")


@cache
def _plotly() -> str:
    return plotly_script()
