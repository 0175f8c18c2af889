"""Finding features: by what they are called, by the texts that they are on in, by meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core import workspace
from core.activations import read_arrays, write_arrays
from core.dictionaries.index.index import Index
from core.dictionaries.index.labels import Label
from core.errors import UserError
from core.progress import Listener, Progress, silent

if TYPE_CHECKING:
    from core.models import Model

LONGEST = 500  # characters of what is searched for
MOST_TEXTS = 2000  # that hold the words and are looked into
BATCH = 256  # labels that are embedded between two words on progress


@dataclass(frozen=True)
class Found:
    """A feature that was found. score: how many of its examples hold the words (by text), or the cosine of meanings,
    -1 to 1 (by meaning), or 1 (by label)."""

    feature: int
    score: float


def by_label(labels: Mapping[int, Label], words: str) -> list[Found]:
    """Features whose label holds all of the words, in any order, cases ignored; by number."""
    wanted = _asked(words).casefold().split()
    return [
        Found(feature, 1.0)
        for feature, label in sorted(labels.items())
        if all(word in label.text.casefold() for word in wanted)
    ]


def by_text(index: Index, model: Model, words: str, *, progress: Listener = silent) -> list[Found]:
    """Features with examples around which these words stand, as they are written, cases ignored; most examples first.

    Looks into the first 2,000 indexed texts that hold the words.
    """
    from core.models import tokenize
    from core.models.pieces import token_bytes

    wanted = _asked(words).casefold()
    index.texts.keep(progress=progress)
    holding = index.texts.holding(wanted)[:MOST_TEXTS]
    numbers, settings = index.columns["example_text"], index.settings
    owner, slot = np.nonzero(np.isin(numbers, holding))
    ids = dict(
        zip(holding.tolist(), tokenize(model, index.texts.of(holding.tolist()), settings.max_length), strict=True)
    )
    known: dict[int, bytes] = {}
    count: dict[int, int] = {}
    for feature, place in zip(owner.tolist(), slot.tolist(), strict=True):
        own = ids[int(numbers[feature, place])]
        at = int(index.columns["example_position"][feature, place])
        part = own[max(0, at - settings.before) : at + settings.after + 1]
        for id in part:
            if id not in known:
                known[id] = token_bytes(model, id)
        if wanted in b"".join(known[id] for id in part).decode("utf-8", errors="replace").casefold():
            count[feature] = count.get(feature, 0) + 1
    return sorted((Found(f, float(n)) for f, n in count.items()), key=lambda one: (-one.score, one.feature))


def by_meaning(
    labels: Mapping[int, Label], words: str, *, limit: int = 100, progress: Listener = silent
) -> list[Found]:
    """Features whose label means something near to the words, by the bundled sentence embedder; the nearest first.

    The labels' vectors are kept in the workspace. Raises UserError if the embedder is not installed.
    """
    from core.models import embed

    asked = _asked(words)
    features = sorted(feature for feature, label in labels.items() if label.text)
    if not features:
        return []
    vectors = _label_vectors([plain_words(labels[feature]) for feature in features], progress)
    cosines = vectors @ embed([asked])[0]
    order = np.lexsort((features, -cosines))[:limit]
    return [Found(features[place], float(cosines[place])) for place in order]


def plain_words(label: Label) -> str:
    """A label's words without the marks that say where they stand."""
    if label.terms:
        return " ".join(dict.fromkeys(term.word for term in label.terms))
    return re.sub(r"[“”]", "", label.text)


def _asked(words: str) -> str:
    asked = words.strip()
    if not asked:
        raise UserError("There is nothing to search for; type a word or two.")
    if len(asked) > LONGEST:
        raise UserError(f"{len(asked):,} characters are too many to search for; use {LONGEST} at the most.")
    return asked


def _label_vectors(texts: list[str], progress: Listener) -> NDArray[np.float32]:
    from core.models import embed, embedder_version

    key = workspace.digest({"what": "label vectors", "texts": texts, "embedder": embedder_version()})
    known = read_arrays(key)
    if known is not None and known.get("vectors", np.zeros(0)).shape[:1] == (len(texts),):
        return known["vectors"]
    different = list(dict.fromkeys(texts))
    parts = []
    for start in range(0, len(different), BATCH):
        progress(Progress(start, len(different), "labels", "reading what labels mean"))
        parts.append(embed(different[start : start + BATCH]))
    place = {text: number for number, text in enumerate(different)}
    vectors = np.concatenate(parts)[[place[text] for text in texts]]
    write_arrays(key, {"vectors": vectors})
    return vectors
