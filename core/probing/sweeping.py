"""Probing all layers at once: where, and how well, a concept can be read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.activations import Pool, read_result, write_result
from core.directions import Finder
from core.errors import UserError
from core.examples import Examples, split
from core.models import AnyModel, Site
from core.probing.asking import check_pool, finders_of, key_of, load_rows, sites_of
from core.probing.baselines import Baseline, majority_baseline, scored_baselines, with_leads
from core.probing.batched import draw, probe_layer, scored_layer
from core.probing.control_task import RUNS, word_numbers
from core.probing.controls import RANDOM_DIRECTIONS, SHUFFLES
from core.probing.result import ProbeResult, Sweep, best_of, sweep_from_json
from core.progress import Listener, Progress, silent

if TYPE_CHECKING:
    import numpy as np

    from core.models import Model

DEFAULT_METHODS = ("logistic", "diffmean")

# Controls that cost something, by name; those that do not always stand beside a score.
CONTROLS = {
    "layer0": "the same methods on the residual stream after block 0",
    "selectivity": "accuracy beyond that on random labels per first word",
    "codelength": "bits in which the labels can be told",
}

VERSION = 7
Scored = tuple[ProbeResult, "np.ndarray"]  # with its scores of the test part


def sweep(
    model: Model,
    examples: Examples,
    layers: Sequence[int],
    *,
    methods: Sequence[str | Finder] = DEFAULT_METHODS,
    pool: Pool = "mean",
    max_length: int = 256,
    seed: int = 0,
    seeds: Sequence[int] = (),
    controls: Sequence[str] = tuple(CONTROLS),
    progress: Listener = silent,
) -> Sweep:
    """Probe the residual stream after each of `layers` (counted from 0), recorded in one forward pass.

    70% of the groups train, the rest test; the split, the folds within the train part and the controls follow from
    `seed`. Nothing is chosen on the test part. pool: "mean" or "last". seeds: further splits, of which the AUROC alone
    is kept, to show how much hangs on the split. controls: names of CONTROLS. The result is kept in the workspace; the
    same call again reads it from there and leaves the model alone.
    Raises UserError for a layer, method, pool or control that is not there, and for fewer than 4 groups of a class.
    """
    known = cached_sweep(
        model,
        examples,
        layers,
        methods=methods,
        pool=pool,
        max_length=max_length,
        seed=seed,
        seeds=seeds,
        controls=controls,
    )
    if known is not None:
        return known
    start = time.perf_counter()
    sites, finders = sites_of(model, layers), finders_of(methods)
    # Block 0 lies on the way to every other: read in the same pass, it costs next to nothing.
    needed = sites_of(model, [*layers, 0]) if "layer0" in controls else sites
    rows = load_rows(model, examples, needed, pool=pool, max_length=max_length, progress=progress)
    by_site = dict(zip(needed, rows.X, strict=True))
    y, groups = rows.y, rows.groups
    texts = [examples.texts[i] for i in rows.kept]
    train, test = split(y, groups, seed=seed)
    words = word_numbers(texts) if "selectivity" in controls else None
    draws = draw(y, groups, train, test, seed=seed, words=words, code="codelength" in controls)
    others = [draw(y, groups, *split(y, groups, seed=other), seed=other) for other in _other_seeds(seed, seeds)]
    found: dict[Site, list[Scored]] = {}
    for site in needed:
        done = len(found) * len(finders)
        progress(Progress(done, len(needed) * len(finders), "probes", f"probing layer {site.layer}"))
        own = scored_layer(site, finders, by_site[site], draws)
        further = [probe_layer(site, finders, by_site[site], one) for one in others if site in sites]
        found[site] = [
            (replace(one, seed_aurocs=(one.auroc, *(other[place].auroc for other in further))), scores)
            for place, (one, scores) in enumerate(own)
        ]
    total = len(needed) * len(finders)
    progress(Progress(total, total, "probes", "reading the texts alone"))
    beside = scored_baselines(texts, y, groups, train, test, seed=seed)
    if "layer0" in controls:
        first, scores = _best_of(found[model.site(0)])
        beside += ((_layer0(first), scores),)
    majority = majority_baseline(y[train], y[test])
    best, scores = _best_of([one for site in sites for one in found[site]])
    baselines = with_leads(beside, scores, y[test], groups[test], seed=seed)
    swept = Sweep(
        model_id=model.id,
        examples_id=examples.id,
        pool=pool,
        max_length=max_length,
        seed=seed,
        results=tuple(one for site in sites for one, _ in found[site]),
        best=best,
        baselines=(*baselines, majority),
        majority_accuracy=majority.accuracy,
        left_out=rows.left_out,
        seconds=time.perf_counter() - start,
        cached=False,
        seeds=(seed, *_other_seeds(seed, seeds)),
        sinks={site.layer: count for site, count in zip(needed, rows.sinks, strict=True) if count and site in sites},
    )
    write_result(_key(model, examples, sites, finders, pool, max_length, seed, seeds, controls), swept.to_json())
    return swept


def cached_sweep(
    model: AnyModel,
    examples: Examples,
    layers: Sequence[int],
    *,
    methods: Sequence[str | Finder] = DEFAULT_METHODS,
    pool: Pool = "mean",
    max_length: int = 256,
    seed: int = 0,
    seeds: Sequence[int] = (),
    controls: Sequence[str] = tuple(CONTROLS),
) -> Sweep | None:
    """The result of the same call of `sweep`, or None if it was not computed yet. Computes nothing."""
    start = time.perf_counter()
    sites, finders = sites_of(model, layers), finders_of(methods)
    check_pool(pool)
    if unknown := [name for name in controls if name not in CONTROLS]:
        raise UserError(f"There is no control {unknown[0]!r}; there are {', '.join(CONTROLS)}.")
    value = read_result(_key(model, examples, sites, finders, pool, max_length, seed, seeds, controls))
    if value is None:
        return None
    # A set may have been saved under another name since.
    named = value | {"model_id": model.id, "examples_id": examples.id}
    return sweep_from_json(named, seconds=time.perf_counter() - start)


def keep_sweep(model: AnyModel, examples: Examples, found: Sweep, **asked: Any) -> None:
    """Keep a sweep that was made elsewhere. asked: layers, methods, ..., as `sweep` was given them there."""
    sites, finders = sites_of(model, asked["layers"]), finders_of(asked["methods"])
    settings = (asked[name] for name in ("pool", "max_length", "seed", "seeds", "controls"))
    write_result(_key(model, examples, sites, finders, *settings), found.to_json())


def _best_of(found: Sequence[Scored]) -> Scored:
    best = best_of(tuple(one for one, _ in found))
    return next(pair for pair in found if pair[0] is best)


def _layer0(best: ProbeResult) -> Baseline:
    return Baseline("layer0", f"After block 0 ({best.method})", best.auroc, best.auroc_ci, best.accuracy)


def _other_seeds(seed: int, seeds: Sequence[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(other for other in seeds if other != seed))


def _key(
    model: AnyModel,
    examples: Examples,
    sites: Sequence[Site],
    finders: Sequence[Finder],
    pool: Pool,
    max_length: int,
    seed: int,
    seeds: Sequence[int],
    controls: Sequence[str],
) -> str:
    """Hashes everything that changes the numbers."""
    return key_of(
        model,
        examples,
        sites,
        pool=pool,
        max_length=max_length,
        result="probe sweep",
        version=VERSION,
        methods=[finder.to_json() for finder in finders],
        controls=[SHUFFLES, RANDOM_DIRECTIONS, RUNS, sorted(controls)],
        seed=seed,
        seeds=list(_other_seeds(seed, seeds)),
    )
