"""Do the features of the bundled dictionary make sense? Labels of random features, and features of ten concepts.

Labels: of 50 random live features (on at 10 tokens of the index at least), the share whose automatic label finds
held-out tokens with AUROC .8 or more, beside what another feature's label scores on the same tokens. Concepts: the ten
below were written down before the dictionary was trained; the feature that separates one half of the texts best is
tested on the other half. All are reported, whatever came out.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.harness import tell
from core import first_concept
from core.dictionaries import fitted, open_dictionary
from core.dictionaries.index.concept import features_for
from core.dictionaries.index.index import Index, open_index
from core.dictionaries.index.labels import automatic_labels
from core.examples import open_examples
from core.models import open_model

CONCEPTS = {
    "Python": "sae-probes/159_code_Python",
    "C": "sae-probes/158_code_C",
    "HTML": "sae-probes/160_code_HTML",
    "sentiment": "sae-probes/92_glue_sst2",
    "spam": "sae-probes/96_spam_is",
    "click-bait": "sae-probes/105_click_bait",
    "medicine": "sae-probes/146_disease_class_cardiovascular diseases",
    "sport": "sae-probes/162_agnews_1",
    "politics": "sae-probes/139_news_class_Politics",
    "toxicity": "sae-probes/95_toxic_is",
}
FEATURES = 50
FEWEST = 10  # tokens on which a feature must be on, for its label to be tried
GOOD = 0.8
ROWS = 600  # of each concept


@dataclass(frozen=True)
class Labels:
    """Of `n` random live features: shares whose label, and another's label, score at least `GOOD`; the medians."""

    n: int
    good: float
    good_control: float
    median: float
    median_control: float


@dataclass(frozen=True)
class OfConcept:
    """feature: chosen on one half; train_auroc there; auroc, interval, p_adjusted on the other half. label: its
    automatic one."""

    concept: str
    examples: str
    feature: int
    label: str
    train_auroc: float
    auroc: float
    interval: tuple[float, float]
    p_adjusted: float
    n_test: int


def labels(index: Index, seed: int = 0) -> Labels:
    """Features without a scored label count as not found."""
    live = np.flatnonzero(index.columns["count"] >= FEWEST)
    chosen = np.random.default_rng(seed).choice(live, size=min(FEATURES, len(live)), replace=False)
    known = automatic_labels(index)
    found = [known.get(int(feature)) for feature in chosen]
    scores = np.array([one.score if one and one.score is not None else 0.5 for one in found])
    controls = np.array([one.control if one and one.control is not None else 0.5 for one in found])
    return Labels(
        n=len(chosen),
        good=float(np.mean(scores >= GOOD)),
        good_control=float(np.mean(controls >= GOOD)),
        median=float(np.median(scores)),
        median_control=float(np.median(controls)),
    )


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    options.add_argument("--json", action="store_true", help="print one JSON object")
    options.add_argument("--dictionary", default="smollm2-14", help="name or directory (default: the bundled one)")
    options.add_argument("--rows", type=int, default=ROWS, help=f"examples of each concept (default {ROWS})")
    chosen = options.parse_args()
    model = open_model(first_concept.MODEL)
    dictionary = fitted(open_dictionary(chosen.dictionary), model)
    index = open_index(dictionary)
    of_labels, known = labels(index), automatic_labels(index)
    tell(str(of_labels))
    table: list[OfConcept] = []
    for title, id in CONCEPTS.items():
        found = features_for(model, dictionary, open_examples(id, limit=chosen.rows))
        best, label = found.best, known.get(found.best.feature)
        one = OfConcept(
            title,
            id,
            best.feature,
            label.text if label else "",
            best.train_auroc,
            best.auroc,
            best.interval,
            best.p_adjusted,
            found.n_test,
        )
        table.append(one)
        tell(line(one))
    if chosen.json:
        result: dict[str, Any] = {"labels": asdict(of_labels), "concepts": [asdict(one) for one in table]}
        print(json.dumps(result))
    else:
        print(f"{of_labels}\n" + "\n".join(line(one) for one in table))


def line(one: OfConcept) -> str:
    """The table's line, in Markdown."""
    held_out = f"{one.auroc:.3f} ({one.interval[0]:.3f} to {one.interval[1]:.3f})"
    return "| " + " | ".join((one.concept, str(one.feature), one.label, held_out, f"{one.p_adjusted:.2g}")) + " |"


if __name__ == "__main__":
    main()
