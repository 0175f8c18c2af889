"""Charts of what rooms found, for pages and reports alike: a sweep of probes, a test, a sweep of doses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.charts import Curve, Figure, Level, Line, NullBar, Place, landscape, layer_curves, lines
from core.glossary import defined
from core.probing import METHODS
from core.tcav.telling import Cell, signed, small
from core.tcav.verdict import FOUND

if TYPE_CHECKING:
    from core.concept.related import Related
    from core.probing import ProbeResult, Sweep
    from core.steering import DoseSweep
    from core.steering.dose_curves import Quantity

METHOD_NAMES = {name: finder.title for name, finder in METHODS.items()}
BASELINE_NAMES = {"tfidf": "Words alone", "length": "Length alone", "layer0": "After block 0"}
QUANTITIES: dict[Quantity, tuple[str, str]] = {
    "measure": (
        "Independent judge",
        "A logistic regression on sentence embeddings that knows nothing of the model: 1 is a typical positive of the "
        "direction's examples, −1 a typical negative.",
    ),
    "score": ("Probe at another layer", "Reads the written tokens in the model without any push; 1 and −1 as above."),
    "kl": ("KL, nats", defined("kl")),
    "perplexity": ("Perplexity", f"{defined('perplexity')} Geometric mean over the texts."),
    "entropy": ("Entropy, bits", "Of the steered next-token distribution."),
    "repetition": ("Repetition", "Share of runs of three tokens that stood in the text before."),
    "target": (
        "Target words",
        "Probability, 0 to 1, under the push that the next token is one of the target words, mean over the tokens of "
        "a text.",
    ),
}


def method_name(method: str) -> str:
    """A method's name for people."""
    return METHOD_NAMES.get(method, method)


def sweep_figure(sweep: Sweep) -> Figure:
    """AUROC by layer with 95% intervals, the shuffled control and the baselines."""
    by_method: dict[str, list[ProbeResult]] = {}
    for result in sorted(sweep.results, key=lambda result: result.layer):
        by_method.setdefault(result.method, []).append(result)
    curves = [
        Curve(
            method_name(method),
            [one.layer for one in results],
            [one.auroc for one in results],
            [one.auroc_ci[0] for one in results],
            [one.auroc_ci[1] for one in results],
        )
        for method, results in by_method.items()
    ]
    own = by_method[sweep.best.method]
    control = Curve(
        "Shuffled labels",
        [one.layer for one in own],
        [one.shuffled.auroc for one in own],
        [one.shuffled.lowest for one in own],
        [one.shuffled.highest for one in own],
    )
    levels = [Level(BASELINE_NAMES[one.name], one.auroc) for one in sweep.baselines if one.name in BASELINE_NAMES]
    return layer_curves(curves, control=control, levels=levels, best=(sweep.best.layer, sweep.best.auroc))


def bars_of(cells: Sequence[Cell], names: Sequence[str]) -> list[NullBar]:
    """Mean cosines with their intervals and what chance gives, in the same unit."""
    from core.tcav.result import NULL_EDGES  # with it come arrays, which a first visit need not wait for

    return [
        NullBar(
            name,
            cell["mean_cosine"],
            cell["mean_cosine_ci"][0],
            cell["mean_cosine_ci"][1],
            [cell["null_mean"] + edge * cell["null_sd"] for edge in NULL_EDGES],
            cell["null"],
            cell["verdict"] in FOUND,
            f"z {signed(cell['z'], 1)}, adjusted p {small(cell['p_adjusted'])}: {cell['verdict']}",
        )
        for cell, name in zip(cells, names, strict=True)
    ]


def measured(sweep: DoseSweep, quantity: Quantity) -> bool:
    """Whether the quantity was measured at any dose."""
    from core.steering import curve

    return any(point.mean == point.mean for point in curve(sweep, quantity))


def dose_figure(sweep: DoseSweep, quantity: Quantity, *, height: int = 260) -> Figure:
    """A quantity over doses: the direction with its interval, random directions from lowest to highest."""
    from core.steering import curve

    asked = curve(sweep, quantity, "prompt") if any(text.arm == "prompt" for text in sweep.texts) else []
    level = ("in words", asked[0].mean) if asked and asked[0].mean == asked[0].mean else None
    return doses_drawn(dose_lines(sweep, quantity), quantity, level=level, height=height)


def doses_drawn(
    some: Sequence[Line], quantity: Quantity, *, level: tuple[str, float] | None = None, height: int = 260
) -> Figure:
    """Lines of `dose_lines` as a figure."""
    return lines(some, x_title="dose", y_title=QUANTITIES[quantity][0], level=level, height=height)


def dose_lines(sweep: DoseSweep, quantity: Quantity) -> list[Line]:
    """A quantity over doses: the direction's line with its interval, and that of random directions."""
    from core.steering import curve

    own = curve(sweep, quantity)
    drawn = [
        Line(
            "direction",
            [p.dose for p in own],
            _gaps([p.mean for p in own]),
            [p.low for p in own],
            [p.high for p in own],
        )
    ]
    # Random directions may have been swept at the outermost doses alone.
    arms = [
        [p for p in curve(sweep, quantity, "random", number) if p.mean == p.mean] for number in range(sweep.n_random)
    ]
    if arms and len(arms[0]) > 1:  # dose 0 belongs to all
        at = list(zip(*[[p.mean for p in arm] for arm in arms], strict=True))
        doses = [p.dose for p in arms[0]]
        middle = [sum(values) / len(values) for values in at]
        drawn.append(Line("random directions", doses, middle, [min(v) for v in at], [max(v) for v in at]))
    return drawn


def around_figure(related: Related, label: str) -> Figure | None:
    """The map of what stands around a concept; None where too little does. label: of the concept itself."""
    around = related.around
    if not len(around.points):
        return None
    ends = np.cumsum([related.own, len(around.concepts), len(around.features)])
    own, concepts, features = np.split(around.points, ends[:-1])
    told = f"features of layer {around.feature_layer}"
    return landscape(
        [
            Place(told, features, [f"{one.feature} {one.name}: cosine {one.cosine:+.2f}" for one in around.features]),
            Place("other concepts", concepts, [f"{one.name}: cosine {one.cosine:+.2f}" for one in around.concepts]),
            Place("saved directions", related.placed, list(related.names[related.own :]), named=True),
            Place(label, own, list(related.names[: related.own]), named=True),
        ]
    )


def _gaps(values: Sequence[float]) -> list[float | None]:
    return [value if value == value else None for value in values]
