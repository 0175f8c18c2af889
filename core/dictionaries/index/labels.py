"""Labels of features: what each is called, by whom, and how well the name tells its examples.

Automatic labels lie with the index as `labels.json`; those that came along with a dictionary lie with it; those by hand
in the workspace, see `core.dictionaries.index.notes`. All of it is text of others: bounded, and never taken for markup.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from sys import intern
from typing import TYPE_CHECKING, Any, Literal

from core import workspace
from core.dictionaries.formats.beside import LONGEST
from core.dictionaries.index.index import Index

if TYPE_CHECKING:
    from core.dictionaries.dictionary import Dictionary

By = Literal["hand", "model", "published", "automatic"]

FILE = "labels.json"
FORMAT = 1
LARGEST = 256 << 20  # bytes of a file; a larger one is passed over
MOST_TERMS = 16


@dataclass(frozen=True, slots=True)
class Term:
    """A word of an automatic label. where: "at" the token itself, or "near" it. weight: how much it speaks for the
    feature, a logarithm of odds; see `core.dictionaries.index.labelling`."""

    where: Literal["at", "near"]
    word: str
    weight: float


@dataclass(frozen=True, slots=True)
class Label:
    """text: at most 500 characters. by: who said so. score: AUROC of detection on held-out examples, 0 to 1, 0.5 is
    chance; None where it was not measured or there were too few. control: the same with another feature's label.
    positives, negatives: held-out tokens that it was measured on. terms: of automatic labels."""

    text: str
    by: By
    score: float | None = None
    control: float | None = None
    positives: int = 0
    negatives: int = 0
    terms: tuple[Term, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "label": self.text,
            "score": self.score,
            "control": self.control,
            "positives": self.positives,
            "negatives": self.negatives,
            "terms": [[term.where, term.word, term.weight] for term in self.terms],
        }


def labels_of(index: Index, dictionary: Dictionary) -> dict[int, Label]:
    """The label that is shown of each feature that has one: by hand before published before automatic."""
    from core.dictionaries.index.notes import notes_of
    from core.dictionaries.library import labels_of as published

    found = automatic_labels(index)
    found |= {feature: Label(text, "published") for feature, text in published(dictionary).items()}
    for feature, note in notes_of(dictionary.key).items():
        if note.label:
            found[feature] = Label(note.label, note.by, note.score)
    return {feature: label for feature, label in found.items() if feature < index.n_features}


def automatic_labels(index: Index) -> dict[int, Label]:
    """Automatic labels that lie with an index; those that are damaged are passed over."""
    path = index.folder / FILE
    try:
        if path.stat().st_size > LARGEST:
            return {}
        # Each line becomes a label as soon as it is read: all of them as JSON would take several times the memory.
        value = workspace.read_json(path, _line)
    except OSError:
        return {}
    lines = value.get("labels") if isinstance(value, dict) and value.get("format") == FORMAT else None
    found = {}
    for key, label in lines.items() if isinstance(lines, dict) else ():
        if key.isascii() and key.isdigit() and len(key) < 9 and isinstance(label, Label):
            found[int(key)] = label
    return {feature: label for feature, label in found.items() if feature < index.n_features}


def write_labels(folder: Path, labels: Mapping[int, Label], about: Mapping[str, Any]) -> None:
    """Lay automatic labels down with an index. about: how they came about, plain JSON."""
    lines = {str(feature): label.to_json() for feature, label in sorted(labels.items())}
    workspace.write_json(folder / FILE, {"format": FORMAT, "about": dict(about), "labels": lines})


def _line(value: dict[str, Any]) -> dict[str, Any] | Label:
    """An object of the file: a label if it is a line of one, else itself."""
    return _label(value) if isinstance(value.get("label"), str) and "labels" not in value else value


def _label(line: dict[str, Any]) -> Label:
    terms: list[Term] = []
    given = line.get("terms")
    for one in given if isinstance(given, list) else ():
        sound = isinstance(one, list) and len(one) == 3 and one[0] in ("at", "near") and isinstance(one[1], str)
        if sound and (weight := _number(one[2])) is not None and len(terms) < MOST_TERMS:
            # Many labels share their words, and all of them the two places: each is kept once.
            terms.append(Term("at" if one[0] == "at" else "near", intern(one[1][:LONGEST]), weight))
    score, control = (_share(line.get(name)) for name in ("score", "control"))
    positives, negatives = (int(_number(line.get(name)) or 0) for name in ("positives", "negatives"))
    return Label(line["label"][:LONGEST], "automatic", score, control, positives, negatives, tuple(terms))


def _number(value: Any) -> float | None:
    fine = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12
    return float(value) if fine else None


def _share(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and 0 <= number <= 1 else None
