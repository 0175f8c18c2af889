"""Figures and labels that come along with a dictionary: kept as they were published, shown beside what we measure.

Read are `metrics.json`, `eval_results.json` or `figures.json` (numbers, nested or not), and labels as `labels.json`
(a list, or an object by feature), `labels.csv` (`feature,label`) or `explanations.jsonl` (Neuronpedia's export: objects
with `index` and `description`). All of it is text of others: bounded, never believed, never taken for markup.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FIGURES = ("figures.json", "metrics.json", "eval_results.json")
LABELS = ("labels.json", "labels.csv", "explanations.jsonl")
LARGEST = 64 << 20  # bytes of a file; larger ones are passed over
LONGEST = 500  # characters of a label; the rest is cut

# What others call a figure that we measure; what is 0-100 there is not guessed at.
NAMES = {
    "explained_variance": ("explained_variance", "frac_variance_explained", "variance_explained", "fve"),
    "ce_recovered": ("ce_recovered", "ce_loss_score", "ce_loss_recovered", "frac_recovered", "loss_recovered"),
    "l0": ("l0", "average_l0", "l0_sparsity", "mean_l0"),
    "dead": ("dead", "frac_dead", "dead_fraction", "frac_dead_features"),
    "kl_recovered": ("kl_recovered", "kl_div_score"),
}


@dataclass(frozen=True)
class Beside:
    """figures: by our names, as published. labels: by feature, each at most 500 characters."""

    figures: dict[str, float] = field(default_factory=dict)
    labels: dict[int, str] = field(default_factory=dict)

    def to_bytes(self) -> dict[str, bytes]:
        """Files that `read_beside` reads."""
        files = {}
        if self.figures:
            files[FIGURES[0]] = json.dumps(self.figures, allow_nan=False).encode()
        if self.labels:
            text = json.dumps({str(feature): label for feature, label in self.labels.items()}, ensure_ascii=True)
            files[LABELS[0]] = text.encode()
        return files


def read_beside(folder: Path) -> Beside:
    """What lies beside a dictionary. Files that are too large, damaged or of another form are passed over."""
    figures: dict[str, float] = {}
    for name in FIGURES:
        for key, value in _numbers(_json(folder / name)):
            for ours, theirs in NAMES.items():
                if key in theirs:
                    figures.setdefault(ours, value)
    labels: dict[int, str] = {}
    for name in LABELS:
        for feature, text in _labels(folder / name):
            labels.setdefault(feature, text)
    return Beside(figures, labels)


def _numbers(value: Any, depth: int = 0) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict) and depth < 6:
        for key, inner in value.items():
            number = isinstance(inner, int | float) and not isinstance(inner, bool)
            if number and abs(inner) < 1e30 and math.isfinite(inner):
                yield str(key).split("/")[-1].lower(), float(inner)
            else:
                yield from _numbers(inner, depth + 1)


def _labels(path: Path) -> Iterator[tuple[int, str]]:
    pairs: list[tuple[Any, Any]] = []
    if path.suffix == ".json":
        value = _json(path)
        if isinstance(value, dict):
            pairs = list(value.items())
        elif isinstance(value, list):
            pairs = [_described(i, one) for i, one in enumerate(value)]
    elif path.suffix == ".jsonl":
        pairs = [_described(None, _parsed(line)) for line in _text(path).split("\n") if line.strip()]
    else:
        try:
            rows = list(csv.DictReader(io.StringIO(_text(path))))
        except csv.Error:
            rows = []
        pairs = [(row.get("feature", row.get("index")), row.get("label", row.get("description"))) for row in rows]
    for feature, text in pairs:
        number = str(feature)
        if isinstance(text, str) and text.strip() and number.isascii() and number.isdigit() and len(number) < 9:
            yield int(number), text.strip()[:LONGEST]


def _described(place: int | None, value: Any) -> tuple[Any, Any]:
    if isinstance(value, dict):
        return value.get("feature", value.get("index", place)), value.get("label", value.get("description"))
    return place, value


def _json(path: Path) -> Any:
    return _parsed(_text(path))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            return ""
        return path.read_bytes().decode("utf-8", errors="replace")
    except OSError:
        return ""
