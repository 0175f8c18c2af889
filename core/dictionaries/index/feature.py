"""One feature, with all that an index knows of it: what a card shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.dictionaries.index.counts import QUANTILES, shown_edges
from core.dictionaries.index.index import Index
from core.dictionaries.index.settings import BANDS

if TYPE_CHECKING:
    from core.models import Model

TOP, LOWEST = "top", "lowest"
BAND_NAMES = (TOP, *(f"{share:.0%}" for share in BANDS), LOWEST)


@dataclass(frozen=True)
class Token:
    """A token of an example. value: the feature's code there; None where the dictionary reads nothing (first and
    special tokens, sinks)."""

    text: str
    value: float | None


@dataclass(frozen=True)
class Example:
    """A token on which a feature is on, with those around it.

    band: "top" for the strongest, "lowest" for the most negative, else the share of the feature's non-zero codes that
    lie below, about: "95%", "75%", "50%", "25%" or "5%". value: its code. rank: the share that lie below, 0 to 1.
    source: set, row and first character of its passage; text: the passage's number in the index; position: of the token
    in it. tokens: around it, in order; `tokens[centre]` is the token itself. Empty if the source is gone or changed.
    """

    band: str
    value: float
    rank: float
    source: dict[str, Any]
    text: int
    position: int
    tokens: tuple[Token, ...]
    centre: int

    def to_json(self) -> dict[str, Any]:
        return {
            "band": self.band,
            "value": self.value,
            "rank": self.rank,
            "source": self.source,
            "position": self.position,
            "centre": self.centre,
            "tokens": [[one.text, one.value] for one in self.tokens],
        }


@dataclass(frozen=True)
class TokenShare:
    """share: part, 0 to 1, of the sum of a feature's |codes| that falls on the token; it may be larger by `missed` at
    the most. times: tokens of that kind on which the feature was on."""

    id: int
    text: str
    share: float
    times: int
    missed: float


@dataclass(frozen=True)
class Histogram:
    """Of the sizes of non-zero codes: counts (64,) between edges (65,), four bins an octave. sign: 1 of positive codes,
    -1 of negative ones. The first bin holds what is smaller as well."""

    sign: int
    edges: NDArray[np.float64]
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class Near:
    """Another feature. value: cosine of what both write, -1 to 1, or correlation of their codes, 0 to 1. both: for
    correlations, tokens of the sample on which both are on."""

    feature: int
    value: float
    both: int | None = None


@dataclass(frozen=True)
class Feature:
    """What an index knows of one feature.

    count: tokens on which it is on, of `tokens` read; density: their share, 0 to 1. max, min: largest and smallest
    code, 0 included; mean: of the codes that are not 0, None if there are none. quantiles: by share, of the codes that
    are not 0; exact: whether they are exact, else off by 1/16 of the value at the most. histograms: one, or two where
    codes are signed. top_tokens: heaviest first. promoted, suppressed: (token, logits per dose) strongest first, empty
    where features write into no stream. nearest: by what they write; together: by their codes on sampled tokens.
    """

    feature: int
    tokens: int
    count: int
    density: float
    max: float
    min: float
    mean: float | None
    quantiles: dict[float, float]
    exact: bool
    histograms: tuple[Histogram, ...]
    top_tokens: tuple[TokenShare, ...]
    promoted: tuple[tuple[str, float], ...]
    suppressed: tuple[tuple[str, float], ...]
    nearest: tuple[Near, ...]
    together: tuple[Near, ...]
    examples: tuple[Example, ...]

    @property
    def dead(self) -> bool:
        """Whether it was on at no token that was read."""
        return self.count == 0


def feature_of(index: Index, model: Model, feature: int, *, examples: int | None = None) -> Feature:
    """The card of a feature; model: the one that the index was made on, of which only the tokenizer is used.

    examples: how many of each band at the most (None: all there are). Raises UserError for a feature that there is not,
    and for damaged files.
    """
    from core.models import token_texts

    index.check(feature)
    columns, count = index.columns, int(index.columns["count"][feature])
    token_ids = columns["token_id"][feature]
    known = [int(id) for id in token_ids if 0 <= id < len(model.tokenizer)]
    shares = zip(
        known,
        token_texts(model, known),
        columns["token_share"][feature],
        columns["token_times"][feature],
        strict=False,
    )
    missed = float(columns["token_missed"][feature])
    quantiles = columns["quantiles"][feature]
    return Feature(
        feature=feature,
        tokens=index.n_tokens,
        count=count,
        density=float(index.density[feature]),
        max=float(columns["max"][feature]),
        min=float(columns["min"][feature]),
        mean=float(columns["total"][feature] / count) if count else None,
        quantiles={q: float(v) for q, v in zip(QUANTILES, quantiles, strict=True)} if count else {},
        exact=bool(columns["complete"][feature]),
        histograms=_histograms(index, feature),
        top_tokens=tuple(TokenShare(id, text, float(s), int(t), missed) for id, text, s, t in shares),
        promoted=_logits(index, model, feature, "up"),
        suppressed=_logits(index, model, feature, "down"),
        nearest=_near(columns["near_id"][feature], columns["near"][feature]),
        together=_near(columns["together_id"][feature], columns["together"][feature], columns["both_on"][feature])
        if "together_id" in columns
        else (),
        examples=examples_of(index, model, feature, examples),
    )


def examples_of(index: Index, model: Model, feature: int, most: int | None = None) -> tuple[Example, ...]:
    """Examples of a feature: the strongest, then those of each band downwards, then the most negative."""
    columns = index.columns
    bands, numbers = columns["example_band"], columns["example_text"][feature]
    slots: list[int] = []
    for band in range(len(BAND_NAMES)):
        own = np.flatnonzero((bands == band) & (numbers >= 0))
        slots += own[:most].tolist()
    if not slots:
        return ()
    windows = index.windows(feature)
    around = around_tokens(
        index, model, [(int(numbers[s]), int(columns["example_position"][feature, s])) for s in slots]
    )
    found = []
    for slot, (pieces, first) in zip(slots, around, strict=True):
        position = int(columns["example_position"][feature, slot])
        centre = position - first
        values = windows[slot][first - (position - index.settings.before) :][: len(pieces)]
        tokens = [
            Token(piece, None if np.isnan(value) else float(value))
            for piece, value in zip(pieces, values, strict=False)
        ]
        value = float(columns["example_value"][feature, slot])
        if tokens:
            tokens[centre] = Token(tokens[centre].text, value)  # windows hold 16 bits, the token itself is exact
        found.append(
            Example(
                band=BAND_NAMES[bands[slot]],
                value=value,
                rank=float(columns["example_rank"][feature, slot]),
                source=index.texts.source(int(numbers[slot])),
                text=int(numbers[slot]),
                position=position,
                tokens=tuple(tokens),
                centre=centre if tokens else 0,
            )
        )
    return tuple(found)


def around_tokens(index: Index, model: Model, places: Sequence[tuple[int, int]]) -> list[tuple[list[str], int]]:
    """For each (text, position) the tokens around it, and the position of the first; none if the text is gone."""
    from core.models import text_pieces, tokenize

    settings = index.settings
    texts = index.texts.of([text for text, _ in places])
    there = [number for number, text in enumerate(texts) if text]
    ids = dict(zip(there, tokenize(model, [texts[n] for n in there], settings.max_length), strict=True))
    found = []
    for number, (_, position) in enumerate(places):
        own = ids.get(number, [])
        first = max(0, position - settings.before)
        part = own[first : position + settings.after + 1]
        found.append((text_pieces(model, part), first) if position < len(own) else ([], first))
    return found


def _histograms(index: Index, feature: int) -> tuple[Histogram, ...]:
    shown, first = index.columns["histogram"], index.columns["histogram_first"]
    return tuple(
        Histogram(sign, shown_edges(int(first[side, feature])), shown[side, feature].astype(np.int64))
        for side, sign in zip(range(len(shown)), (1, -1), strict=False)
    )


def _logits(index: Index, model: Model, feature: int, name: str) -> tuple[tuple[str, float], ...]:
    from core.models import token_texts

    ids = index.columns[f"{name}_id"][feature]
    known = [int(id) for id in ids if 0 <= id < len(model.tokenizer)]
    return tuple(zip(token_texts(model, known), map(float, index.columns[name][feature]), strict=False))


def _near(ids: NDArray, values: NDArray, both: NDArray | None = None) -> tuple[Near, ...]:
    return tuple(
        Near(int(id), float(value), None if both is None else int(both[place]))
        for place, (id, value) in enumerate(zip(ids, values, strict=True))
        if id >= 0
    )
