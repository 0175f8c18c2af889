"""Readers of tokens from probes and from saved directions: fitted, and held against tokens of texts they know."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from core import workspace
from core.activations import Pool, read_result, write_result
from core.directions import Direction, Finder, site_of
from core.directions.rows import shortened_to
from core.examples import Examples, reference_texts, split
from core.models import Site
from core.probing.asking import finders_of, key_of, load_rows, sites_of
from core.probing.reading import Reading, reading_of
from core.probing.tokens import Reader
from core.progress import Listener, Progress, silent

if TYPE_CHECKING:
    from core.models import Model

VERSION = 4
TEXTS = 200  # whose tokens tell the spread; half of them of either class
AT_ONCE = 16


def probe_readers(
    model: Model,
    examples: Examples,
    layers: Sequence[int],
    method: str | Finder,
    *,
    pool: Pool = "mean",
    max_length: int = 256,
    seed: int = 0,
    progress: Listener = silent,
) -> list[Reader]:
    """The probe of `method` at each of `layers`: the very ones that a sweep with these arguments scores.

    Middle and spread are those of single tokens of up to 200 texts of the test part; for a probe of last tokens those
    of the training texts' last tokens, each along the vector of the fold that it was not in. In the rows that a vector
    was fitted on classes lie apart whatever the labels: of noise, 350 rows of 576 dimensions, last tokens by 6 spreads
    along `logistic`. The statistics are kept in the workspace.
    """
    sites, (finder,) = sites_of(model, layers), finders_of([method])
    rows = load_rows(model, examples, sites, pool=pool, max_length=max_length, progress=progress)
    train, test = split(rows.y, rows.groups, seed=seed)
    readings: list[Reading] = []
    for site, X in zip(sites, rows.X, strict=True):
        progress(Progress(len(readings), len(sites), "probes", "fitting probes"))
        readings.append(
            reading_of(finder, X, rows.y, rows.groups, rows.kept, train, test, site.layer, str(site), seed=seed)
        )
    progress(Progress(len(sites), len(sites), "probes", "fitting probes"))
    if pool == "last":
        statistics = [_by_class(one.held_out, rows.y[train]) for one in readings]
    else:
        more = {"what": "tokens along probes", "version": VERSION, "texts": TEXTS, "method": finder.to_json()}
        key = key_of(model, examples, sites, pool=pool, max_length=max_length, seed=seed, **more)
        known = read_result(key)
        if known is None:
            chosen = _balanced(test, rows.y, seed)
            texts = [examples.texts[rows.kept[row]] for row in chosen]
            vectors = [(one.vector, one.centre) for one in readings]
            of_texts = _token_scores(model, texts, sites, vectors, max_length, progress)
            labels = np.repeat(rows.y[chosen], [scores.shape[1] for scores in of_texts])
            joined = np.concatenate(of_texts, axis=1)
            known = {"layers": [list(_by_class(line, labels)) for line in joined]}
            write_result(key, known)
        statistics = [tuple(values) for values in known["layers"]]
    return [
        _reader(site, one, of, pool, shortened_to(X))
        for site, one, of, X in zip(sites, readings, statistics, rows.X, strict=True)
    ]


def direction_reader(model: Model, direction: Direction, *, progress: Listener = silent) -> Reader:
    """A reader along a saved direction; middle and spread are those of tokens of 200 texts of the reference."""
    from core.activations.recipe import corpus_hash

    site = site_of(model, direction)
    texts = list(reference_texts())[:TEXTS]
    key = workspace.digest(
        {
            "what": "tokens along a direction",
            "version": VERSION,
            "fingerprint": model.fingerprint,
            "site": str(site),
            "texts": corpus_hash(texts),
            "vector": direction.digest,
            "device": model.device.type,
            "dtype": model.dtype_name,
        }
    )
    vector, centre = direction.vector.astype(np.float64), np.zeros(direction.width)
    known = read_result(key)
    if known is None:
        of_texts = _token_scores(model, texts, [site], [(vector, centre)], 64, progress)
        scores = np.concatenate(of_texts, axis=1)[0]
        known = {"middle": float(scores.mean()), "spread": float(scores.std())}
        write_result(key, known)
    return Reader(site, vector, centre, known["middle"], known["spread"] or 1.0, None, "mean", None)


def _reader(site: Site, one: Reading, statistics: Sequence[float], pool: Pool, length: float | None) -> Reader:
    negative, positive, spread = statistics
    spread = spread or 1.0
    separation = (positive - negative) / spread
    return Reader(site, one.vector, one.centre, (negative + positive) / 2, spread, separation, pool, one.platt, length)


def _by_class(scores: np.ndarray, labels: np.ndarray) -> tuple[float, float, float]:
    """Mean of negatives, mean of positives, and standard deviation within a class (both weighing the same)."""
    parts = [scores[labels == label] for label in (0, 1)]
    return float(parts[0].mean()), float(parts[1].mean()), float(np.sqrt(np.mean([part.var() for part in parts])))


def _balanced(rows: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """Up to TEXTS of `rows`, half of them of either class, in a random order that `seed` decides."""
    chosen: list[int] = []
    for label in (0, 1):
        own = rows[y[rows] == label].tolist()
        random.Random(seed).shuffle(own)  # noqa: S311 (a sample, not a secret)
        chosen += own[: TEXTS // 2]
    return np.array(sorted(chosen))


def _token_scores(
    model: Model,
    texts: Sequence[str],
    sites: Sequence[Site],
    vectors: Sequence[tuple[np.ndarray, np.ndarray]],
    max_length: int,
    progress: Listener,
) -> list[np.ndarray]:
    """Scores of each text's tokens that count at all sites, (sites, tokens) per text, in the order of the texts."""
    from core.activations.pooling import kept_tokens  # all that opens torch, which takes seconds
    from core.models import batch, counted_positions, record, tokenize

    ids = tokenize(model, list(texts), max_length)
    order = sorted(range(len(ids)), key=lambda row: -len(ids[row]))
    found: dict[int, np.ndarray] = {}
    for start in range(0, len(order), AT_ONCE):
        progress(Progress(start, len(order), "texts", "reading single tokens, once"))
        chunk = order[start : start + AT_ONCE]
        inputs = batch(model, [ids[row] for row in chunk])
        streams = record(model, inputs, sites)
        counted = counted_positions(model, inputs)
        kept = counted.clone()
        for h in streams.values():
            kept &= kept_tokens(h, counted, keep_sinks=False)
        for place, row in enumerate(chunk):
            of_text = []
            for site, (vector, centre) in zip(sites, vectors, strict=True):
                activations = streams[site][place][kept[place]].float().cpu().numpy()
                of_text.append((activations.astype(np.float64) - centre) @ vector)
            found[row] = np.stack(of_text)
    progress(Progress(len(order), len(order), "texts", "reading single tokens, once"))
    return [found[row] for row in range(len(ids))]
