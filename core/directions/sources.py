"""From what directions are made: labelled examples, two lists of words, or another model and texts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import UserError
from core.examples import Examples
from core.examples.grouping import group_rows
from core.models.words import two_lists

if TYPE_CHECKING:
    from core.models import Model


@dataclass(frozen=True, eq=False)
class Texts:
    """Texts without labels. id, title: for people and the record. groups: (n,), texts that belong together."""

    id: str
    title: str
    texts: tuple[str, ...]
    groups: np.ndarray

    @classmethod
    def of(cls, examples: Examples) -> Texts:
        """The texts of labelled examples."""
        return cls(examples.id, examples.title, tuple(examples.texts), examples.groups)

    @classmethod
    def plain(cls, id: str, texts: Sequence[str]) -> Texts:
        """A list of texts; those that are alike belong together."""
        if not texts:
            raise UserError(f"{id} holds no texts; give at least two.")
        return cls(id, id, tuple(texts), group_rows(texts))

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def digest(self) -> str:
        """24 hexadecimal digits of the texts and their order."""
        joined = "\0".join(self.texts).encode("utf-8", errors="surrogatepass")
        return hashlib.sha256(joined).hexdigest()[:24]

    def to_json(self) -> dict[str, Any]:
        """For the record."""
        return {"id": self.id, "title": self.title, "digest": self.digest, "n": len(self)}


@dataclass(frozen=True, eq=False)
class TokenLists:
    """Words that shall become likelier as the next token, and words that shall become less likely.

    Each is one token to the model, with the space that the tokenizer gives it after other text. prompts: texts at
    which the network is differentiated; None takes the reference (`core.examples.reference_texts`).
    """

    positives: tuple[str, ...]
    negatives: tuple[str, ...]
    prompts: Texts | None = None

    @classmethod
    def parse(cls, text: str, prompts: Texts | None = None) -> TokenLists:
        """From `good,great|bad,terrible`."""
        positives, negatives = two_lists(text)
        return cls(tuple(positives), tuple(negatives), prompts)

    @property
    def title(self) -> str:
        """`good, great against bad, terrible`"""
        return f"{', '.join(self.positives)} against {', '.join(self.negatives)}"


@dataclass(frozen=True, eq=False)
class ModelPair:
    """Another model, to be compared with the one that the direction is for, on the same texts."""

    other: Model
    texts: Texts


@dataclass(frozen=True)
class SourceKind:
    """A kind of source. title: what it is called, in mid-sentence."""

    name: str
    title: str
    cls: type


SOURCES = {
    kind.name: kind
    for kind in (
        SourceKind("examples", "labelled examples", Examples),
        SourceKind("tokens", "two lists of words", TokenLists),
        SourceKind("models", "another model and texts", ModelPair),
    )
}
