"""Probing all layers at once: where, and how well, a concept can be read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import sklearn

from core import workspace
from core.activations import Pool, read_result, record_texts, write_result
from core.activations.recipe import corpus_hash, make_recipe
from core.directions import FINDERS, Finder, finder_named, usable_rows
from core.errors import UserError
from core.examples import Examples, split
from core.models import Model, Site
from core.probing.baselines import text_baselines
from core.probing.controls import RANDOM_DIRECTIONS, SHUFFLES
from core.probing.result import ProbeResult, Sweep, baseline_from_json, best_of, result_from_json
from core.probing.scoring import probe
from core.progress import Listener, Progress, silent

# A probe is a direction that is read along: every finder is one. The first is the default of pages.
METHODS: dict[str, Finder] = {name: FINDERS[name] for name in ("logistic", "diffmean")}

VERSION = 1  # raised when the numbers change: part of the key of every stored sweep
FEWEST = 4  # groups per class below which neither part of a split would say anything


def sweep(
    model: Model,
    examples: Examples,
    layers: Sequence[int],
    *,
    methods: Sequence[str | Finder] = ("logistic", "diffmean"),
    pool: Pool = "mean",
    max_length: int = 256,
    seed: int = 0,
    progress: Listener = silent,
) -> Sweep:
    """Probe the residual stream after each of `layers` (counted from 0), recorded in one forward pass.

    70% of the groups train, the rest test; the split, the folds within the train part and the controls follow from
    `seed`. Nothing is chosen on the test part. pool: "mean" or "last". The result is kept in the workspace; the same
    call again reads it from there and leaves the model alone.
    Raises UserError for a layer, method or pool that is not there, and for fewer than 4 groups of a class.
    """
    if (
        known := cached_sweep(model, examples, layers, methods=methods, pool=pool, max_length=max_length, seed=seed)
    ) is not None:
        return known
    start = time.perf_counter()
    sites, finders = _sites(model, layers), _finders(methods)
    stores = record_texts(model, examples.texts, sites, pool=pool, max_length=max_length, progress=progress)
    rows = usable_rows([store.load() for store in stores], examples)
    y, groups = rows.y, rows.groups
    _check_size(examples, y, groups)
    train, test = split(y, groups, seed=seed)
    results: list[ProbeResult] = []
    for site, X in zip(sites, rows.X, strict=True):
        for finder in finders:
            progress(Progress(len(results), len(sites) * len(finders), "probes", f"probing layer {site.layer}"))
            results.append(probe(site, finder, X, y, groups, train, test, seed=seed))
    progress(Progress(len(results), len(results), "probes", "reading the texts alone"))
    texts = [examples.texts[i] for i in rows.kept]
    baselines = text_baselines(texts, y, groups, train, test, seed=seed)
    majority = int(2 * y[train].sum() >= len(train))
    found = Sweep(
        model_id=model.id,
        examples_id=examples.id,
        pool=pool,
        max_length=max_length,
        seed=seed,
        results=tuple(results),
        best=best_of(tuple(results)),
        baselines=baselines,
        majority_accuracy=float(np.mean(y[test] == majority)),
        left_out=rows.left_out,
        seconds=time.perf_counter() - start,
        cached=False,
    )
    write_result(_key(model, examples, sites, finders, pool, max_length, seed), found.to_json())
    return found


def cached_sweep(
    model: Model,
    examples: Examples,
    layers: Sequence[int],
    *,
    methods: Sequence[str | Finder] = ("logistic", "diffmean"),
    pool: Pool = "mean",
    max_length: int = 256,
    seed: int = 0,
) -> Sweep | None:
    """The result of the same call of `sweep`, or None if it was not computed yet. Computes nothing."""
    start = time.perf_counter()
    sites, finders = _sites(model, layers), _finders(methods)
    if pool not in ("mean", "last"):
        raise UserError(f"A probe needs one activation per text: use pool mean or last, not {pool!r}.")
    value = read_result(_key(model, examples, sites, finders, pool, max_length, seed))
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
    )


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
            "controls": [SHUFFLES, RANDOM_DIRECTIONS],
            "seed": seed,
            "scikit-learn": sklearn.__version__,
        }
    )
