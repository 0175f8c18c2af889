"""Where a direction for steering comes from: what a recipe says of it, and the direction itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import numpy as np

from core.activations import record_texts
from core.directions import (
    Direction,
    ModelPair,
    Texts,
    TokenLists,
    combine_saved,
    load_direction,
    make_direction,
    method_named,
)
from core.errors import UserError
from core.examples import Examples, open_examples
from core.models import Model, open_model
from core.progress import Listener, silent
from core.steering import reading_json as read
from core.steering.features import Feature
from core.steering.prompts import NEUTRAL

Kind = Literal["saved", "sum", "examples", "words", "texts", "feature"]
KINDS: tuple[Kind, ...] = get_args(Kind)
TEXTS = 200  # pasted texts on either side
CHARACTERS = 20_000  # of all of them
# Put before each pasted text, so that no word of it is the first token, which holds attention and no meaning.
BEFORE = "\n"


@dataclass(frozen=True)
class Source:
    """Where a direction comes from. Which fields count depends on `kind`; the others keep their defaults.

    saved: `of` is the name of a saved direction. sum: `of` is an expression over such names, `mood - 0.5*length`.
    examples: `of` is the id of labelled examples, from up to `limit` rows of which `method` makes it at `layer`; a
    probe is `logistic`, a CAV `diffmean` or `lda`. words: `of` is two lists of next words, `good,great|bad`, for
    `layer`. texts: mean activation of the texts `plus` minus that of `minus` (or of 20 neutral prompts) at `layer`.
    feature: number `feature` of the dictionary `of`. other: for the method that compares with another model.
    digest: of the vector that was saved, "" if any will do.
    """

    kind: Kind
    of: str = ""
    layer: int | None = None
    method: str = "diffmean"
    limit: int | None = None
    plus: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    feature: int | None = None
    other: str = ""
    digest: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UserError(f"There is no source of directions called {self.kind!r}; there are {', '.join(KINDS)}.")
        if self.kind == "texts":
            for side, texts in (("plus", self.plus), ("minus", self.minus)):
                if len(texts) > TEXTS or sum(map(len, texts)) > CHARACTERS:
                    raise UserError(f"Under {side!r} there is more than {TEXTS} texts or {CHARACTERS:,} characters.")
            if not any(text.strip() for text in self.plus):
                raise UserError("Paste at least one text or word to push towards, such as love.")
        elif not self.of.strip():
            raise UserError(f"A source of the kind {self.kind!r} has to say of what; its 'of' is empty.")
        if self.made and self.layer is None:
            raise UserError(f"A source of the kind {self.kind!r} is made at a layer; give its number.")
        if self.layer is not None and self.layer < 0:
            raise UserError(f"There is no layer {self.layer}: layers are counted from 0.")
        if self.kind == "feature" and (self.feature is None or self.feature < 0):
            raise UserError("A feature has a number, 0 or more; give it.")
        if self.kind == "examples":
            method_named(self.method)

    @property
    def made(self) -> bool:
        """Whether it is made now, at a layer of its own, rather than lying somewhere already."""
        return self.kind in ("examples", "words", "texts")

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        if self.kind == "texts":
            return f"{_quoted(self.plus)} − {_quoted(self.minus)}" if self.minus else _quoted(self.plus)
        if self.kind == "examples":
            return f"{self.of} ({self.method})"
        return f"{self.of}:{self.feature}" if self.kind == "feature" else self.of

    def to_json(self) -> dict[str, Any]:
        plain: dict[str, str | int | None] = {
            "kind": self.kind,
            "of": self.of,
            "layer": self.layer,
            "limit": self.limit,
            "feature": self.feature,
        }
        value: dict[str, Any] = {name: kept for name, kept in plain.items() if kept not in (None, "")}
        value |= {"method": self.method} if self.kind == "examples" else {}
        value |= {"other": self.other} if self.other else {}
        value |= {side: list(texts) for side, texts in (("plus", self.plus), ("minus", self.minus)) if texts}
        return value | ({"digest": self.digest} if self.digest else {})

    @classmethod
    def from_json(cls, value: Any) -> Source:
        """Raises UserError for what is no source."""
        known = ("kind", "of", "layer", "method", "limit", "plus", "minus", "feature", "other", "digest")
        got = read.mapping(value, "A source", known)
        if "kind" not in got:
            raise UserError(f"A source has to say its kind: {', '.join(KINDS)}.")
        of: dict[str, Any] = {name: read.text(got[name], f"{name!r} of a source") for name in got if name in _TEXTS}
        for name in _NUMBERS:
            if name in got:
                of[name] = read.whole(got[name], f"{name!r} of a source")
        for side in ("plus", "minus"):
            texts = read.items(got.get(side, []), f"{side!r} of a source", most=TEXTS)
            of[side] = tuple(read.text(text, f"A text of {side!r}") for text in texts)
        return cls(**of)


_TEXTS = ("kind", "of", "method", "other", "digest")
_NUMBERS = ("layer", "limit", "feature")

# A direction from a source at a layer (None: where it lies). Pages put one here that remembers what it made.
Make = Callable[[Model, Source, "int | None", Listener], Direction]
# A dictionary's feature, by the dictionary's name and the number; this room does not know dictionaries.
OpenFeature = Callable[[Model, str, int], Feature]


def direction_for(model: Model, source: Source, layer: int | None = None, progress: Listener = silent) -> Direction:
    """The direction that a source names; one that is made is made after `layer`, by default its own.

    Raises UserError for sources that are not there, and if a saved direction is not the one it was.
    """
    at = source.layer if layer is None else layer
    if source.kind == "saved":
        found = load_direction(source.of)
    elif source.kind == "sum":
        found = combine_saved(source.of, name="sum")
    elif source.kind == "texts":
        assert at is not None  # checked in Source
        found = pasted(model, source.plus, source.minus, at, progress=progress)
    elif source.kind == "feature":
        raise UserError("A feature of a dictionary cannot be opened here; use the command line or the Steering page.")
    else:
        assert at is not None
        of, method = _made_from(source)
        found = make_direction(model, of, model.site(at), method, name="made", limit=source.limit, progress=progress)
    return checked(source, found, layer)


def checked(source: Source, found: Direction, layer: int | None) -> Direction:
    """The direction, if it is the one that the recipe was saved with or the recipe does not mind."""
    if source.digest and layer in (None, source.layer) and found.digest != source.digest:
        raise UserError(
            f"{source.title!r} is not the direction any more that this recipe was saved with; take its digest out of"
            " the recipe to use the present one."
        )
    return found


def _made_from(source: Source) -> tuple[Examples | TokenLists | ModelPair, str]:
    """What a method makes a direction from, and the method."""
    if source.kind == "words":
        return TokenLists.parse(source.of), "observable"
    examples = open_examples(source.of, limit=source.limit)
    if method_named(source.method).made_from != "models":
        return examples, source.method
    if not source.other:
        raise UserError(f"The method {source.method!r} compares with another model; name it under 'other'.")
    return ModelPair(open_model(source.other), Texts.of(examples)), source.method


def pasted(
    model: Model, plus: tuple[str, ...], minus: tuple[str, ...], layer: int, *, progress: Listener = silent
) -> Direction:
    """Mean activation of some texts minus that of others, after `layer`: activation addition from pasted texts.

    Turner et al. 2023, "Steering Language Models With Activation Engineering", add the difference of two prompts token
    by token; here it is averaged over tokens (first and special ones and sinks left out), then over texts. Without
    texts to subtract, those are 20 neutral prompts.
    """
    site = model.site(layer)
    sides = [[one for one in side if one.strip()] for side in (plus, minus or NEUTRAL)]
    if not all(sides):
        raise UserError("Paste at least one text or word to push towards, such as love.")
    if sides[0] == sides[1]:
        raise UserError("Both sides hold the same texts, so that there is no difference to push along.")
    texts = [BEFORE + one for side in sides for one in side]
    (store,) = record_texts(model, texts, [site], pool="mean", progress=progress)
    rows = np.asarray(store.load(), dtype=np.float64)
    if not np.isfinite(rows).all():
        raise UserError("One of the pasted texts has no token that counts; paste words.")
    raw = rows[: len(sides[0])].mean(axis=0) - rows[len(sides[0]) :].mean(axis=0)
    length = float(np.linalg.norm(raw))
    if not 0 < length < float("inf"):
        raise UserError("The pasted texts read the same to the model; there is no difference to push along.")
    title = Source("texts", layer=layer, plus=plus, minus=minus).title
    note = "Made from pasted texts; how it reads was not measured."
    return Direction(
        name="pasted",
        model_id=model.id,
        model_fingerprint=model.fingerprint,
        site=str(site),
        layer=layer,
        vector=(raw / length).astype(np.float32),
        raw_norm=length,
        method="pasted",
        provenance={
            "origin": title,
            "texts": {"plus": list(sides[0]), "minus": list(minus)},
            "architecture": model.architecture,
            "held_out": {"auroc": None, "interval": None, "note": note},
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )


def _quoted(texts: tuple[str, ...]) -> str:
    shown = ", ".join(f"“{' '.join(text.split())[:30]}”" for text in texts[:3])
    return shown + (f" and {len(texts) - 3} more" if len(texts) > 3 else "")
