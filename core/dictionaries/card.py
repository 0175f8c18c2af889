"""What is known of a dictionary beside its numbers: which model it reads where, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from core.models import KINDS, Site

Positions = Literal["kept", "all"]


@dataclass(frozen=True)
class Card:
    """Plain facts, kept as `card.json` in a dictionary's folder.

    model_id, model_fingerprint: of the model that it is bound to; '' while it is bound to none. reads: where its input
    is. rebuilds: where its reconstruction belongs (the same, but for transcoders and neurons). writes_to: the place
    into which `coder.written` writes. positions: on which tokens it is meaningful: "kept", without the first and
    special tokens and sinks, or "all". source: where it was got. recipe: how it was trained or made, plain JSON.
    """

    model_id: str = ""
    model_fingerprint: str = ""
    reads: Site | None = None
    rebuilds: Site | None = None
    writes_to: Site | None = None
    positions: Positions = "kept"
    source: str = ""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    created: str = ""

    @property
    def layer(self) -> int | None:
        return None if self.reads is None else self.reads.layer

    @property
    def held_out(self) -> str:
        """What the held-out texts of the bundled corpus are to it, in words that follow on "on"."""
        corpus = self.recipe.get("corpus")
        if isinstance(corpus, dict) and corpus.get("corpus"):
            return "texts of the corpus that were held out of its training"
        if self.recipe.get("method") == "neurons":
            return "texts of the corpus; nothing of it was trained"
        return "texts of the corpus; whether it was trained on some of them is not known"

    def with_source(self, source: str) -> Card:
        """The same card with another source."""
        return replace(self, source=source)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def card_from(value: Any) -> Card:
    """The card in a `card.json`; an empty one for what is damaged or missing, since the numbers need none."""
    if not isinstance(value, dict):
        return Card()
    positions, recipe = value.get("positions"), value.get("recipe")
    return Card(
        model_id=_text(value, "model_id"),
        model_fingerprint=_text(value, "model_fingerprint"),
        reads=_site(value.get("reads")),
        rebuilds=_site(value.get("rebuilds")),
        writes_to=_site(value.get("writes_to")),
        positions="all" if positions == "all" else "kept",
        source=_text(value, "source"),
        recipe=recipe if isinstance(recipe, dict) else {},
        created=_text(value, "created"),
    )


def _text(value: dict[str, Any], key: str) -> str:
    text = value.get(key)
    return text if isinstance(text, str) else ""


def _site(value: Any) -> Site | None:
    if not isinstance(value, dict):
        return None
    layer, kind, module, side = (value.get(key) for key in ("layer", "kind", "module", "side"))
    sound = isinstance(layer, int) and kind in KINDS and isinstance(module, str) and side in ("input", "output")
    return Site(layer, kind, module, side) if sound else None  # type: ignore[arg-type]  # checked just now
