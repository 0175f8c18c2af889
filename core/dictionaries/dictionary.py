"""A dictionary: a coder with a name, a card, and what came along with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from core import workspace
from core.dictionaries.card import Card
from core.dictionaries.coder import Coder
from core.models.checksums import digest_of


@dataclass(frozen=True, eq=False)
class Dictionary:
    """A dictionary that was opened or made.

    name: of the saved one, else of its folder. coder: its numbers. card: which model, where, from whom. folder: where
    its files are, None before it is saved. metadata: of `cfg.json`, as it came. sparsity: (n_features,) log10 of the
    published share of tokens on which each feature fires, or None. published: figures that came along, by our names.
    digest: of the coder's tensors, '' where it is not known yet.
    """

    name: str
    coder: Coder
    card: Card
    folder: Path | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    sparsity: Tensor | None = None
    published: Mapping[str, float] = field(default_factory=dict)
    digest: str = ""

    @cached_property
    def key(self) -> str:
        """24 hexadecimal digits of all that decides its numbers: of every result that is made with it."""
        config = {name: value for name, value in self.coder.config().items() if name not in ("metadata", "device")}
        weights = self.digest or digest_of(self.coder.tensors())
        card = self.card
        where = [str(card.reads), str(card.rebuilds), card.positions, card.model_fingerprint]
        return workspace.digest({"config": config, "weights": weights, "where": where})

    def replaced(self, **values: Any) -> Dictionary:
        """The same dictionary with some fields replaced."""
        return replace(self, **({"digest": ""} if "coder" in values else {}) | values)

    def to_json(self) -> dict[str, Any]:
        """A line about it, for lists."""
        card = self.card
        return {
            "name": self.name,
            "kind": self.coder.kind,
            "features": self.coder.n_features,
            "d_in": self.coder.d_in,
            "d_out": self.coder.d_out,
            "model": card.model_id or self.metadata.get("model_name"),
            "layer": card.layer,
            "site": None if card.reads is None else str(card.reads),
            "positions": card.positions,
            "source": card.source,
        }
