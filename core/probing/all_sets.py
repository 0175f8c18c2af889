"""Every bundled set at the same layers: one table of what a model's activations tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core import workspace
from core.activations import Pool
from core.directions import Finder
from core.errors import UserError
from core.examples import Examples, Info, catalogue, open_examples
from core.models import AnyModel, opened
from core.probing.asking import finders_of, sites_of
from core.probing.plain import to_plain
from core.probing.result import Sweep
from core.probing.sweeping import DEFAULT_METHODS, VERSION, sweep
from core.progress import Listener, Progress, silent
from core.spreadsheet import csv_text

if TYPE_CHECKING:
    from core.models import Model

PREFIX, SHIFTED = "sae-probes/", "sae-probes/shift/"
# Block 0 takes a forward pass of its own where only deeper layers are stored, so that it has to be asked for.
CONTROLS = ("selectivity", "codelength")
EVERY = 10  # sets after which the table is written anew

# Sweeps of sets in their order, given how each is asked for: `sweep(model, open_examples(id, limit), **asked)`. For one
# that could not be made, the reason stands.
Sweeper = Callable[[Sequence[Info], dict[str, Any]], Iterator[Sweep | UserError]]


@dataclass(frozen=True)
class Row:
    """A line of the table: one set, layer and method. Scores 0-1 as in `ProbeResult`.

    tfidf, length, layer0: AUROC of the baselines. None: not asked for, or not defined for the set.
    """

    examples_id: str
    title: str
    subject: str
    layer: int
    method: str
    auroc: float
    auroc_low: float
    auroc_high: float
    accuracy: float
    cv_auroc: float
    control_auroc: float
    random_auroc: float
    selectivity: float | None
    codelength: float | None
    compression: float | None
    seed_lowest: float
    seed_highest: float
    tfidf: float
    length: float
    layer0: float | None
    majority: float
    n_train: int
    n_test: int


@dataclass(frozen=True)
class Mean:
    """Means over sets for one layer and method. above_tfidf: share of the sets whose AUROC is above that of TF-IDF."""

    layer: int
    method: str
    sets: int
    auroc: float
    control_auroc: float
    tfidf: float
    length: float
    above_tfidf: float
    selectivity: float | None
    compression: float | None


@dataclass(frozen=True)
class Skipped:
    """A set that could not be probed, and why."""

    examples_id: str
    reason: str


@dataclass(frozen=True)
class Table:
    """rows: in the order of the sets, layers and methods. table, csv: paths of the files, of the same lines.

    complete: whether every set is in it. computed: sets that were not known before this call. seconds: of this call.
    """

    model_id: str
    limit: int | None
    results: tuple[Row, ...]
    means: tuple[Mean, ...]
    skipped: tuple[Skipped, ...]
    table: str
    csv: str
    complete: bool
    computed: int
    seconds: float


def bundled_sets() -> list[Info]:
    """The 113 binary sets of the wheel, without those under a shift."""
    found = [info for info in catalogue() if info.id.startswith(PREFIX) and not info.id.startswith(SHIFTED)]
    if not found:
        raise UserError("The bundled examples are not installed; `make setup` brings them.")
    return found


def probe_all(
    model: AnyModel,
    layers: Sequence[int],
    *,
    methods: Sequence[str | Finder] = DEFAULT_METHODS,
    pool: Pool = "mean",
    max_length: int = 256,
    limit: int | None = None,
    seed: int = 0,
    seeds: Sequence[int] = (),
    controls: Sequence[str] = CONTROLS,
    sets: Sequence[Info] | None = None,
    sweeper: Sweeper | None = None,
    progress: Listener = silent,
) -> Table:
    """`sweep` of every bundled set, or of `sets`; what was finished before is read, so that a stopped call goes on.

    sweeper: who makes the sweeps, by default this process, one after the other; `model` may then be only known.

    The table lies in the workspace's `results` folder as `probe-all-<key>.json` and `.csv`, written anew after every
    tenth set. A set that is too small for its limit is skipped and named.
    """
    start = time.perf_counter()
    wanted = bundled_sets() if sets is None else list(sets)
    key = workspace.digest(
        {
            "result": "probe all",
            "version": VERSION,
            "model": model.fingerprint,
            "sites": [str(site) for site in sites_of(model, layers)],
            "methods": [finder.to_json() for finder in finders_of(methods)],
            "settings": [pool, max_length, limit, seed, list(seeds), sorted(controls)],
            "sets": [info.id for info in wanted],
        }
    )
    rows: list[Row] = []
    skipped: list[Skipped] = []
    computed = 0

    def write(done: int) -> Table:
        files = [workspace.place("results", f"probe-all-{key}.{kind}") for kind in ("json", "csv")]
        table = Table(
            model_id=model.id,
            limit=limit,
            results=tuple(rows),
            means=means_of(rows),
            skipped=tuple(skipped),
            table=str(files[0]),
            csv=str(files[1]),
            complete=done == len(wanted),
            computed=computed,
            seconds=time.perf_counter() - start,
        )
        workspace.write_json(files[0], to_plain(table))
        header = list(Row.__dataclass_fields__)
        lines = csv_text(header, ([getattr(row, name) for name in header] for row in rows))
        workspace.write_bytes(files[1], lines.encode())
        return table

    asked: dict[str, Any] = {"layers": tuple(layers), "methods": tuple(methods), "pool": pool, "max_length": max_length}
    asked |= {"limit": limit, "seed": seed, "seeds": tuple(seeds), "controls": tuple(controls)}
    progress(Progress(0, len(wanted), "sets", "probing every set"))
    sweeps = _here(model, wanted, asked, progress) if sweeper is None else sweeper(wanted, asked)
    for number, (info, found) in enumerate(zip(wanted, sweeps, strict=True)):
        progress(Progress(number + 1, len(wanted), "sets", "probing every set"))
        if isinstance(found, UserError):
            skipped.append(Skipped(info.id, str(found)))
            continue
        computed += not found.cached
        rows += _rows(info, found)
        if number % EVERY == EVERY - 1:
            write(number)
    progress(Progress(len(wanted), len(wanted), "sets", "probing every set"))
    return write(len(wanted))


def sweep_of(model: AnyModel, id: str, asked: dict[str, Any], *, progress: Listener = silent) -> Sweep | UserError:
    """The sweep of one set, or why there is none. asked: as a Sweeper is given it."""
    loaded = opened(model)
    try:
        examples = open_examples(id, limit=asked["limit"])
    except UserError as reason:
        return reason
    return sweep_over(loaded, examples, asked, progress=progress)


def sweep_over(
    model: Model, examples: Examples, asked: dict[str, Any], *, progress: Listener = silent
) -> Sweep | UserError:
    """`sweep_of` examples that were opened already."""
    own = {name: value for name, value in asked.items() if name not in ("layers", "limit")}
    try:
        return sweep(model, examples, asked["layers"], **own, progress=progress)
    except UserError as reason:
        return reason


def _here(model: AnyModel, wanted: Sequence[Info], asked: dict[str, Any], progress: Listener) -> Iterator[Any]:
    for number, info in enumerate(wanted):

        def inside(moment: Progress, number: int = number, info: Info = info) -> None:
            progress(Progress(number, len(wanted), "sets", f"{info.id}: {moment.note}"))

        yield sweep_of(model, info.id, asked, progress=inside)


def _rows(info: Info, found: Sweep) -> list[Row]:
    beside = {one.name: one for one in found.baselines}
    return [
        Row(
            examples_id=info.id,
            title=info.title,
            subject=info.subject,
            layer=one.layer,
            method=one.method,
            auroc=one.auroc,
            auroc_low=one.auroc_ci[0],
            auroc_high=one.auroc_ci[1],
            accuracy=one.accuracy,
            cv_auroc=one.cv_auroc,
            control_auroc=one.shuffled.auroc,
            random_auroc=one.random.auroc,
            selectivity=None if one.control_task is None else one.control_task.selectivity,
            codelength=None if one.codelength is None else one.codelength.bits,
            compression=None if one.codelength is None else one.codelength.compression,
            seed_lowest=min(one.seed_aurocs),
            seed_highest=max(one.seed_aurocs),
            tfidf=beside["tfidf"].auroc,
            length=beside["length"].auroc,
            layer0=beside["layer0"].auroc if "layer0" in beside else None,
            majority=found.majority_accuracy,
            n_train=one.n_train,
            n_test=one.n_test,
        )
        for one in found.results
    ]


def means_of(rows: Sequence[Row]) -> tuple[Mean, ...]:
    """One line per layer and method, over the sets."""
    found = []
    for layer, method in dict.fromkeys((row.layer, row.method) for row in rows):
        own = [row for row in rows if (row.layer, row.method) == (layer, method)]
        selectivity = [row.selectivity for row in own if row.selectivity is not None]
        compression = [row.compression for row in own if row.compression is not None]
        found.append(
            Mean(
                layer=layer,
                method=method,
                sets=len(own),
                auroc=_mean([row.auroc for row in own]),
                control_auroc=_mean([row.control_auroc for row in own]),
                tfidf=_mean([row.tfidf for row in own]),
                length=_mean([row.length for row in own]),
                above_tfidf=_mean([float(row.auroc > row.tfidf) for row in own]),
                selectivity=_mean(selectivity) if selectivity else None,
                compression=_mean(compression) if compression else None,
            )
        )
    return tuple(found)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
