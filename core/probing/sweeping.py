"""Probing all layers at once: where, and how well, a concept can be read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sklearn

from core import workspace
from core.activations import Pool, read_result, record_texts, write_result
from core.activations.recipe import corpus_hash, make_recipe
from core.directions import FINDERS, Finder, Rows, finder_named, usable_rows
from core.errors import UserError
from core.examples import Examples, split
from core.models import Model, Site
from core.probing.baselines import Baseline, majority_baseline, text_baselines
from core.probing.batched import draw, probe_layer
from core.probing.control_task import RUNS, word_numbers
from core.probing.controls import RANDOM_DIRECTIONS, SHUFFLES
from core.probing.result import ProbeResult, Sweep, baseline_from_json, best_of, result_from_json
from core.progress import Listener, Progress, silent

# A probe is a direction that is read along: every finder is one. The first is the default of pages.
METHODS: dict[str, Finder] = {name: FINDERS[name] for name in ("logistic", "diffmean", "ridge", "lda", "pca")}
DEFAULT_METHODS = ("logistic", "diffmean")

# Controls that cost something, by name; those that do not always stand beside a score.
CONTROLS = {
    "layer0": "the same methods on the residual stream after block 0",
    "selectivity": "accuracy beyond that on random labels per first word",
    "codelength": "bits in which the labels can be told",
}

VERSION = 2  # raised when the numbers change: part of the key of every stored sweep
FEWEST = 4  # groups per class below which neither part of a split would say anything


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
    sites, finders = _sites(model, layers), _finders(methods)
    # Block 0 lies on the way to every other: read in the same pass, it costs next to nothing.
    needed = _sites(model, [*layers, 0]) if "layer0" in controls else sites
    rows = load_rows(model, examples, needed, pool=pool, max_length=max_length, progress=progress)
    by_site = dict(zip(needed, rows.X, strict=True))
    y, groups = rows.y, rows.groups
    texts = [examples.texts[i] for i in rows.kept]
    train, test = split(y, groups, seed=seed)
    words = word_numbers(texts) if "selectivity" in controls else None
    draws = draw(y, groups, train, test, seed=seed, words=words, code="codelength" in controls)
    others = [draw(y, groups, *split(y, groups, seed=other), seed=other) for other in _other_seeds(seed, seeds)]
    found: dict[Site, list[ProbeResult]] = {}
    for site in needed:
        done = len(found) * len(finders)
        progress(Progress(done, len(needed) * len(finders), "probes", f"probing layer {site.layer}"))
        own = probe_layer(site, finders, by_site[site], draws)
        further = [probe_layer(site, finders, by_site[site], one) for one in others if site in sites]
        found[site] = [
            replace(one, seed_aurocs=(one.auroc, *(other[place].auroc for other in further)))
            for place, one in enumerate(own)
        ]
    total = len(needed) * len(finders)
    progress(Progress(total, total, "probes", "reading the texts alone"))
    baselines = text_baselines(texts, y, groups, train, test, seed=seed)
    if "layer0" in controls:
        baselines += (_layer0(found[model.site(0)]),)
    majority = majority_baseline(y[train], y[test])
    results = tuple(one for site in sites for one in found[site])
    swept = Sweep(
        model_id=model.id,
        examples_id=examples.id,
        pool=pool,
        max_length=max_length,
        seed=seed,
        results=results,
        best=best_of(results),
        baselines=(*baselines, majority),
        majority_accuracy=majority.accuracy,
        left_out=rows.left_out,
        seconds=time.perf_counter() - start,
        cached=False,
        seeds=(seed, *_other_seeds(seed, seeds)),
    )
    write_result(_key(model, examples, sites, finders, pool, max_length, seed, seeds, controls), swept.to_json())
    return swept


def cached_sweep(
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
) -> Sweep | None:
    """The result of the same call of `sweep`, or None if it was not computed yet. Computes nothing."""
    start = time.perf_counter()
    sites, finders = _sites(model, layers), _finders(methods)
    check_pool(pool)
    if unknown := [name for name in controls if name not in CONTROLS]:
        raise UserError(f"There is no control {unknown[0]!r}; there are {', '.join(CONTROLS)}.")
    value = read_result(_key(model, examples, sites, finders, pool, max_length, seed, seeds, controls))
    if value is None:
        return None
    results = tuple(result_from_json(result) for result in value["results"])
    return Sweep(
        model_id=model.id,
        examples_id=examples.id,
        pool=pool,
        max_length=max_length,
        seed=seed,
        results=results,
        best=best_of(results),
        baselines=tuple(baseline_from_json(baseline) for baseline in value["baselines"]),
        majority_accuracy=value["majority_accuracy"],
        left_out=value["left_out"],
        seconds=time.perf_counter() - start,
        cached=True,
        seeds=tuple(value["seeds"]),
    )


def load_rows(
    model: Model,
    examples: Examples,
    sites: Sequence[Site],
    *,
    pool: Pool = "mean",
    max_length: int = 256,
    progress: Listener = silent,
) -> Rows:
    """The examples' activations at each site, recorded where they are not stored yet, fit to be split."""
    check_pool(pool)
    stores = record_texts(model, examples.texts, sites, pool=pool, max_length=max_length, progress=progress)
    rows = usable_rows([store.load() for store in stores], examples)
    _check_size(examples, rows.y, rows.groups)
    return rows


def check_pool(pool: Pool) -> None:
    """Raise UserError unless the pool gives one activation per text."""
    if pool not in ("mean", "last"):
        raise UserError(f"A probe needs one activation per text: use pool mean or last, not {pool!r}.")


def _layer0(results: Sequence[ProbeResult]) -> Baseline:
    best = best_of(tuple(results))
    return Baseline("layer0", f"After block 0 ({best.method})", best.auroc, best.auroc_ci, best.accuracy)


def _other_seeds(seed: int, seeds: Sequence[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(other for other in seeds if other != seed))


def _sites(model: Model, layers: Sequence[int]) -> list[Site]:
    """The residual stream after each layer, each once."""
    if not layers:
        raise UserError(f"No layers to probe: name some of 0 to {model.n_layers - 1}, or all.")
    return [model.site(layer) for layer in dict.fromkeys(layers)]


def _finders(methods: Sequence[str | Finder]) -> list[Finder]:
    if not methods:
        raise UserError(f"No methods to probe with: name some of {', '.join(METHODS)}.")
    return list(dict.fromkeys(finder_named(m) if isinstance(m, str) else m for m in methods))


def _check_size(examples: Examples, y: np.ndarray, groups: np.ndarray) -> None:
    for label, name in ((1, "positives"), (0, "negatives")):
        found = len(np.unique(groups[y == label]))
        if found < FEWEST:
            raise UserError(
                f"{examples.title or examples.id} holds only {found} independent {name} that can be read; a probe"
                f" needs {FEWEST} at the least, and 50 or more to say much."
            )


def _key(
    model: Model,
    examples: Examples,
    sites: Sequence[Site],
    finders: Sequence[Finder],
    pool: Pool,
    max_length: int,
    seed: int,
    seeds: Sequence[int],
    controls: Sequence[str],
) -> str:
    """Hashes everything that changes the numbers; what changes activations is in the recipes of the stores."""
    corpus = corpus_hash(examples.texts)
    recipes: list[Any] = [
        make_recipe(
            model, site, examples.texts, pool=pool, all_positions=False, max_length=max_length, corpus=corpus
        ).key
        for site in sites
    ]
    return workspace.digest(
        {
            "result": "probe sweep",
            "version": VERSION,
            "recipes": recipes,
            "examples": examples.digest,
            "methods": [finder.to_json() for finder in finders],
            "controls": [SHUFFLES, RANDOM_DIRECTIONS, RUNS, sorted(controls)],
            "seed": seed,
            "seeds": list(_other_seeds(seed, seeds)),
            "scikit-learn": sklearn.__version__,
        }
    )
