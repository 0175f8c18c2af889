"""The same push at several layers: what it does to the concept there, and what it breaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.directions import METHODS, Direction, make_direction, method_named, with_parameters
from core.errors import UserError
from core.examples import Examples, open_examples
from core.models import Model
from core.progress import Listener, silent
from core.steering.dose_curves import Comparison, Range, compare_slopes, curve, recommended_range
from core.steering.dose_sweep import DoseSweep, sweep_doses


@dataclass(frozen=True, eq=False)
class AtLayer:
    """A dose sweep at one layer. anew: whether the direction was made there, rather than carried there.

    slopes: of the independent judge over dose (of the probe where there is none), None without a judge. range: None for
    a single prompt. perplexity: of the texts at the outermost doses as a multiple of plain, geometric mean. kl: nats
    per token at these doses.
    """

    layer: int
    anew: bool
    sweep: DoseSweep
    slopes: Comparison | None
    range: Range | None
    perplexity: float
    kl: float


def sweep_layers(
    model: Model,
    direction: Direction,
    layers: Sequence[int],
    prompts: Sequence[str],
    doses: Sequence[float],
    *,
    progress: Listener = silent,
    **options: Any,
) -> list[AtLayer]:
    """A dose sweep at each of `layers`, in units of the layer's own typical norm. options: of `sweep_doses`."""
    if not layers:
        raise UserError("Name at least one layer to push at.")
    found = []
    for layer in layers:
        own, anew = at_layer(model, direction, layer, progress=progress)
        sweep = sweep_doses(model, own, prompts, doses, progress=progress, **options)
        judged = [name for name in ("measure", "score") if any(getattr(text, name) is not None for text in sweep.texts)]
        edge = {sweep.doses[0], sweep.doses[-1]} - {0.0}
        ppl = {point.dose: point.mean for point in curve(sweep, "perplexity")}
        kl = [point.mean for point in curve(sweep, "kl") if point.dose in edge]
        plain = curve(sweep, "perplexity", "plain")[0].mean if sweep.has_plain else ppl[0.0]
        worse = [np.log(ppl[dose] / plain) for dose in edge]
        found.append(
            AtLayer(
                layer=layer,
                anew=anew,
                sweep=sweep,
                slopes=compare_slopes(sweep, judged[0]) if judged and len(sweep.doses) > 1 else None,  # type: ignore[arg-type]
                range=recommended_range(sweep) if len(sweep.doses) > 1 else None,
                perplexity=float(np.exp(np.mean(worse))) if worse else 1.0,
                kl=float(np.mean(kl)) if kl else 0.0,
            )
        )
    return found


def examples_of(direction: Direction) -> Examples:
    """The examples that a direction was made from. Raises UserError where they are others now: what is made of them
    would go by the name of something else."""
    kept = direction.provenance.get("examples", {})
    examples = open_examples(str(kept.get("id")), limit=kept.get("limit"))
    if kept.get("digest") not in (None, examples.digest):
        raise UserError(
            f"{examples.id} no longer holds the examples that {direction.name!r} was made from; make it anew."
        )
    return examples


def at_layer(model: Model, direction: Direction, layer: int, *, progress: Listener = silent) -> tuple[Direction, bool]:
    """The direction at another layer, and whether it was made there.

    One that was made from examples that are at hand is made anew, by its own method with its own parameters. Any other
    is carried: the same vector, since all layers share one residual stream. Raises UserError for one inside a block.
    """
    site = model.site(layer)
    if layer == direction.layer:
        return direction, True
    if direction.site != str(model.site(direction.layer)):
        raise UserError(f"{direction.name!r} lies at {direction.site}; only the residual stream is shared by layers.")
    kept, id = direction.provenance, direction.examples
    of_examples = direction.method in METHODS and METHODS[direction.method].made_from == "examples"
    if id and of_examples and direction.model_fingerprint == model.fingerprint:
        limit = kept["examples"].get("limit")
        method = with_parameters(method_named(direction.method), kept.get("parameters") or {})
        examples = examples_of(direction)
        return make_direction(
            model,
            examples,
            site,
            method,
            name=direction.name,
            pool=kept.get("pool", "mean"),
            max_length=int(kept.get("max_length", 256)),
            limit=limit,
            seed=int(kept.get("seed", 0)),
            progress=progress,
        ), True
    return replace(direction, site=str(site), layer=layer), False
