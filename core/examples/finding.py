"""What a linter says: findings, each a sentence with what to do, and the figures behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["stop", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("stop", "warning", "note")
MOST_ROWS = 20  # that a finding names


@dataclass(frozen=True)
class Finding:
    """check: a short name. severity: "stop" (probing cannot work), "warning" (scores will mislead) or "note".
    sentence: what was found. remedy: what to do about it. n_rows: how many rows it concerns. rows: the first of them,
    counted from 0.
    """

    check: str
    severity: Severity
    sentence: str
    remedy: str
    n_rows: int = 0
    rows: tuple[int, ...] = ()


@dataclass(frozen=True)
class Share:
    """A word (or look, in brackets) and the shares of positives and of negatives that have it, 0 to 1."""

    word: str
    positives: float
    negatives: float

    @property
    def quoted(self) -> str:
        """The word in quotes; a look as it is."""
        return self.word if len(self.word) > 1 and self.word.startswith("(") else f"“{self.word}”"


@dataclass(frozen=True)
class Area:
    """An AUROC, 0 to 1, and its 95% interval."""

    auroc: float
    low: float
    high: float


@dataclass(frozen=True)
class Report:
    """What was found in a set, the gravest first, and what was measured.

    length: of the number of characters, all rows; above .5 the positives are longer. words: of a quick reader of
    single words (ridge on TF-IDF), trained on 70% and scored on the rest. few: of the FEW most telling words alone,
    likewise. top: those words and looks that tell most. half_width: of the 95% interval that a probe's AUROC of .8
    will have about it. cut: share of the texts that are longer than a model reads. exact: whether a tokenizer counted
    the tokens. words_rows: how many rows the readers of words saw.
    """

    findings: tuple[Finding, ...]
    rows: int
    length: Area
    words: Area | None
    few: Area | None
    top: tuple[Share, ...]
    half_width: float
    cut: float
    exact: bool
    words_rows: int

    def of(self, severity: Severity) -> list[Finding]:
        """The findings of one severity."""
        return [one for one in self.findings if one.severity == severity]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def report_from_json(value: Mapping[str, Any]) -> Report:
    """The report that `to_json` wrote. Raises KeyError or TypeError for anything else."""
    areas = {name: None if value[name] is None else Area(**value[name]) for name in ("words", "few")}
    return Report(
        findings=tuple(Finding(**{**one, "rows": tuple(one["rows"])}) for one in value["findings"]),
        rows=value["rows"],
        length=Area(**value["length"]),
        words=areas["words"],
        few=areas["few"],
        top=tuple(Share(**one) for one in value["top"]),
        half_width=value["half_width"],
        cut=value["cut"],
        exact=value["exact"],
        words_rows=value["words_rows"],
    )


def some(rows: Iterable[int]) -> tuple[int, ...]:
    """The first rows of many."""
    return tuple(int(row) for _, row in zip(range(MOST_ROWS), rows, strict=False))


def plural(number: int, one: str, many: str | None = None) -> str:
    """`1 text`, `1,200 texts`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
