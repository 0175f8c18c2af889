"""How much of a concept a text shows, as judged by somebody who does not know the push.

Two judges, both taught on the concept's labelled examples: a probe at another layer of the model, which reads the
text without any push; and a logistic regression on sentence embeddings, which knows nothing of the model at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from core import workspace
from core.activations import read_result, record_texts, write_result
from core.directions import Logistic, usable_rows
from core.errors import UserError
from core.examples import Examples, split
from core.models import Model, Site, batch, counted_positions, embed, embedder_version, record
from core.progress import Listener, Progress, silent
from core.stats import auroc, auroc_interval
from core.steering.versions import MEASURES

ROWS = 16  # texts read at a time
EMBEDDED = 128  # examples embedded between two reports


@dataclass(frozen=True, eq=False)
class Measure:
    """A judge of texts. Scores have no bounds: 1 is what a typical positive example gets, -1 a typical negative one.

    weights: (d,) along which it reads. offset, scale: score = (x . weights - offset) / scale; the offset lies halfway
    between the class means of held-out examples, and the scale is half their distance. auroc, auroc_ci (95%): how well
    it tells those held-out examples apart, 0-1. layer: of the probe; None for the embedding.
    """

    name: str
    title: str
    weights: np.ndarray = field(repr=False)
    offset: float
    scale: float
    auroc: float
    auroc_ci: tuple[float, float]
    layer: int | None

    def of(self, x: np.ndarray) -> np.ndarray:
        """Scores (n,) of embeddings or activations (n, d)."""
        return (x @ self.weights - self.offset) / self.scale

    def to_json(self) -> dict[str, Any]:
        """Everything but the weights."""
        value = asdict(self)
        del value["weights"]
        return value | {"auroc_ci": list(self.auroc_ci)}


def embedding_measure(examples: Examples, *, seed: int = 0, progress: Listener = silent) -> Measure:
    """A logistic regression on sentence embeddings, fitted on 70% of the examples and scaled on the rest. Kept."""
    key = workspace.digest(
        {
            "what": "embedding measure",
            "version": MEASURES,
            "embedder": embedder_version(),
            "examples": examples.digest,
            "finder": Logistic().to_json(),
            "seed": seed,
        }
    )
    known = read_result(key)
    if known is not None:
        return Measure(**known | {"weights": np.array(known["weights"]), "auroc_ci": tuple(known["auroc_ci"])})
    parts = []
    for start in range(0, len(examples), EMBEDDED):
        progress(Progress(start, len(examples), "texts", "teaching the independent judge"))
        parts.append(embed(examples.texts[start : start + EMBEDDED]))
    X = np.concatenate(parts).astype(np.float64)
    made = _taught(
        "embedding", "Judge of sentence embeddings", X, examples.labels, examples.groups, layer=None, seed=seed
    )
    write_result(key, made.to_json() | {"weights": made.weights.tolist()})
    return made


def probe_measure(
    model: Model, examples: Examples, site: Site, *, seed: int = 0, max_length: int = 256, progress: Listener = silent
) -> Measure:
    """A logistic probe at `site`, fitted on 70% of the examples and scaled on the rest."""
    (store,) = record_texts(model, examples.texts, [site], pool="mean", max_length=max_length, progress=progress)
    rows = usable_rows([store.load()], examples)
    X = rows.X[0].astype(np.float64)
    return _taught("probe", f"Probe after layer {site.layer}", X, rows.y, rows.groups, layer=site.layer, seed=seed)


def other_layer(model: Model, layer: int) -> int:
    """Where a probe reads that judges pushes at `layer`: two thirds up, or further up still."""
    wanted = max((2 * model.n_layers) // 3, layer + 2)
    found = min(wanted, model.n_layers - 1)
    return found if found != layer else max(0, layer - 1)


def probe_scores(
    measure: Measure,
    model: Model,
    site: Site,
    prompts: Sequence[Sequence[int]],
    written: Sequence[Sequence[int]],
) -> np.ndarray:
    """Scores (n,) of the generated tokens alone, read in their context by the model without any push.

    NaN for a text that holds no token but special ones.
    """
    found = np.full(len(prompts), np.nan)
    order = sorted(range(len(prompts)), key=lambda row: -len(prompts[row]) - len(written[row]))
    for start in range(0, len(order), ROWS):
        rows = [row for row in order[start : start + ROWS] if written[row]]
        if not rows:
            continue
        inputs = batch(model, [[*prompts[row], *written[row]] for row in rows])
        counted = counted_positions(model, inputs)
        for number, row in enumerate(rows):
            counted[number, : len(prompts[row])] = False
        h = record(model, inputs, [site])[site].float()
        sums = torch.einsum("bt,btd->bd", counted.float(), h).cpu().numpy().astype(np.float64)
        n = counted.sum(dim=1).cpu().numpy()
        means = np.divide(sums, n[:, None], out=np.full_like(sums, np.nan), where=n[:, None] > 0)
        found[rows] = measure.of(means)
    return found


def embedding_scores(measure: Measure, texts: Sequence[str]) -> np.ndarray:
    """Scores (n,) of texts; NaN for those that are blank."""
    found = np.full(len(texts), np.nan)
    rows = [row for row, text in enumerate(texts) if text.strip()]
    if rows:
        found[rows] = measure.of(embed([texts[row] for row in rows]).astype(np.float64))
    return found


def _taught(
    name: str, title: str, X: np.ndarray, y: np.ndarray, groups: np.ndarray, *, layer: int | None, seed: int
) -> Measure:
    train, test = split(y, groups, seed=seed)
    finder = Logistic().settle(X[train], y[train], groups=groups[train], seed=seed).finder
    weights = finder.fit(X[train], y[train], groups=groups[train], seed=seed)
    scores = X[test] @ weights
    high, low = (float(scores[y[test] == label].mean()) for label in (1, 0))
    if not high > low:
        raise UserError("The examples cannot be told apart by this judge, so that it has no scale; take others.")
    return Measure(
        name=name,
        title=title,
        weights=weights,
        offset=(high + low) / 2,
        scale=(high - low) / 2,
        auroc=auroc(y[test], scores),
        auroc_ci=auroc_interval(y[test], scores, groups=groups[test], seed=seed),
        layer=layer,
    )
