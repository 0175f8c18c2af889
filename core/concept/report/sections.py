"""What the report says of each view, below its sentence and its chart: tables and texts out of the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.concept.figures import BASELINE_NAMES, method_name
from core.concept.report.markup import Cell, Markup, Number, escape, more, theirs

Path = tuple[str | int, ...]  # where a number stands in the report's data

VERIFIED = "AUROC: 0 to 1, 0.5 is guessing. From, to: 95% interval by bootstrap of whole groups."


READ = (
    "Read: AUROC with which a direction made of the one concept's examples tells the other's classes, 0.5 where it"
    " cannot, below where it takes one class for the other. The map is UMAP by cosine: who is near to whom tells"
    " something, how far groups lie apart hardly anything."
)


def section(markup: Markup, name: str, data: Mapping[str, Any]) -> str:
    """HTML about the view `name`. data: its values, which stand in the report's data at views/name/data."""
    return _SECTIONS[name](markup, data, ("views", name, "data"))


def _readable(markup: Markup, data: Mapping[str, Any], at: Path) -> str:
    rows: list[list[Cell]] = []
    for place, one in enumerate(data["results"]):
        here: Path = (*at, "results", place)
        scores = [Number((*here, "auroc")), *(Number((*here, "auroc_ci", end)) for end in (0, 1))]
        controls = [Number((*here, "shuffled", "auroc")), Number((*here, "random", "auroc"))]
        rows.append([one["layer"], method_name(one["method"]), *scores, *controls])
    beside = [
        [BASELINE_NAMES.get(one["name"], one["title"]), Number((*at, "baselines", place, "auroc"))]
        for place, one in enumerate(data["baselines"])
    ]
    inner = markup.table(("layer", "method", "AUROC", "from", "to", "shuffled", "random"), rows)
    return markup.table(("without the deeper layers", "AUROC"), beside) + more("All layers", inner) + _small(VERIFIED)


def _used(markup: Markup, data: Mapping[str, Any], at: Path) -> str:
    rows: list[list[Cell]] = []
    for place, one in enumerate(data["results"]):
        here: Path = (*at, "results", place)
        scores = [Number((*here, "score")), *(Number((*here, "score_ci", end)) for end in (0, 1))]
        rows.append(
            [
                one["layer"],
                one["verdict"],
                *scores,
                Number((*here, "mean_cosine"), "+.3f"),
                Number((*here, "p_adjusted"), ".3g"),
                Number((*here, "specificity"), ".1%"),
                Number((*here, "push_effect"), "+.3f"),
                Number((*here, "push_rank"), "d"),
            ]
        )
    head = ("layer", "verdict", "sign score", "from", "to", "mean cosine", "adjusted p", "beyond controls")
    said = (
        "Sign score: share of inputs on which the answer grows along the concept, 0 to 1, 0.5 points nowhere. p: labels"
        " dealt anew to whole groups, adjusted for all layers. Beyond controls: share of other concepts with a smaller"
        " mean cosine. Push: change of the answer, in nats or logits, and its rank among 20 random directions."
    )
    notes = "".join(f"<p class=small>{theirs(note)}</p>" for note in data["notes"])
    return markup.table((*head, "push", "rank of 21"), rows) + _small(said) + notes


def _carried(markup: Markup, data: Mapping[str, Any], at: Path) -> str:
    names = list(data["best"]["cosines"])
    rows: list[list[Cell]] = []
    for place, one in enumerate(data["features"]):
        here: Path = (*at, "features", place)
        scores = [Number((*here, "auroc")), *(Number((*here, "interval", end)) for end in (0, 1))]
        cosines = [Number((*here, "cosines", name), "+.2f") for name in names]
        rows.append(
            [
                one["feature"],
                one["label"],
                *scores,
                Number((*here, "p_adjusted"), ".3g"),
                Number((*here, "on")),
                *cosines,
                one["example"],
            ]
        )
    head = (
        "feature",
        "label",
        "AUROC",
        "from",
        "to",
        "adjusted p",
        "on",
        *(f"cosine: {name}" for name in names),
        "strongest at",
    )
    said = (
        "Ranked on held-out texts; the best of many is a little too good, that of the sentence above is fair. On: share"
        " of texts in which the feature is on. Cosines between random directions stay within "
    )
    chance = markup.number(Number((*at, "cosine_chance"), ".2f"))
    return markup.table(head, rows) + f"<p class=small>{escape(said)}{chance}.</p>"


def _pushed(markup: Markup, data: Mapping[str, Any], at: Path) -> str:
    texts = data["results"]
    doses = sorted({one["dose"] for one in texts})
    prompt = texts[0]["prompt"]
    cards = []
    for dose in dict.fromkeys((doses[0], 0.0, doses[-1])):
        one = next(one for one in texts if one["dose"] == dose and one["prompt"] == prompt)
        head = f"Dose {dose:+g}".replace("-", "−") if dose else "Plain"
        cards.append(f"<div><h3>{escape(head)}</h3><p><i>{theirs(prompt)}</i>{theirs(one['text'])}</p></div>")
    rows: list[list[Cell]] = []
    for place, one in enumerate(texts):
        here: Path = (*at, "results", place)
        numbers = [Number((*here, "measure"), "+.2f"), Number((*here, "guards", "perplexity"), ".1f")]
        rows.append([one["prompt"], Number((*here, "dose"), "+g"), *numbers, one["text"]])
    notes = "".join(f"<p class=small>{theirs(note)}</p>" for note in data["notes"])
    inner = markup.table(("prompt", "dose", "judge", "perplexity", "text"), rows)
    said = (
        "Doses in units of the typical length of an activation at that layer. Judge: sentence embeddings, 1 is a"
        " typical positive example, −1 a typical negative one. Perplexity under the model without a push."
    )
    return f"<div class=cards>{''.join(cards)}</div>" + more("All texts", inner) + _small(said) + notes


def _related(markup: Markup, data: Mapping[str, Any], at: Path) -> str:
    rows: list[list[Cell]] = [
        [name, Number((*at, "cosines", 0, place), "+.3f")] for place, name in enumerate(data["names"]) if place
    ]
    chance = markup.number(Number((*at, "chance"), ".2f"))
    table = markup.table(("direction", "cosine with the concept"), rows)
    table += f"<p class=small>Cosines between random directions of this width stay within {chance}.</p>"
    others: list[list[Cell]] = []
    for place, one in enumerate(data["concepts"]):
        here: Path = (*at, "concepts", place)
        others.append(
            [
                one["name"],
                Number((*here, "cosine"), "+.2f"),
                Number((*here, "reads")),
                Number((*here, "read_by")),
                Number((*here, "shared"), "d"),
            ]
        )
    if others:
        head = ("other concept", "cosine", "read by this direction", "reads this concept", "texts left out")
        table += markup.table(head, others)
        table += _small(READ)
    features: list[list[Cell]] = [
        [one["feature"], one["name"], Number((*at, "features", place, "cosine"), "+.2f")]
        for place, one in enumerate(data["features"])
    ]
    if features:
        inner = markup.table(("feature", "label", "cosine with the concept"), features)
        table += more(f"Nearest features, of layer {data['feature_layer']}", inner)
    return table


def _stable(markup: Markup, data: Mapping[str, Any], at: Path) -> str:
    seeds: list[list[Cell]] = [
        [seed, Number((*at, "aurocs", place)), Number((*at, "halves", place), "+.2f")]
        for place, seed in enumerate(data["seeds"])
    ]
    layers: list[list[Cell]] = []
    for place, one in enumerate(data["choice"]["layers"]):
        here: Path = (*at, "choice", "layers", place)
        keys = ("auroc", "mean_difference", "js_projection", "js_chance")
        layers.append([one["layer"], *(Number((*here, key)) for key in keys)])
    head = ("layer", "AUROC", "distance of means", "divergence, bits", "by chance")
    inner = markup.table(head, layers)
    said = (
        "Halves: cosine between the differences of means of two halves of the examples, whole groups. Distance of means"
        " in typical norms; divergence of the classes' positions along it (Jensen-Shannon)."
    )
    return markup.table(("seed", "AUROC", "halves"), seeds) + more("By layer, three measures", inner) + _small(said)


def _small(text: str) -> str:
    return f"<p class=small>{escape(text)}</p>"


_SECTIONS = {
    "readable": _readable,
    "used": _used,
    "carried": _carried,
    "pushed": _pushed,
    "related": _related,
    "stable": _stable,
}
