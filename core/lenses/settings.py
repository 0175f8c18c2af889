"""How a tuned lens is trained: everything that decides its numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from core import workspace
from core.activations.recipe import corpus_hash
from core.directions import parameter
from core.models import Model
from core.versions import release, version

FORMAT = 1  # raised when the numbers of a lens change


@dataclass(frozen=True)
class LensSettings:
    """The defaults train the bundled model in some minutes on two cores; docs/lenses.md says how they were found."""

    epochs: int = parameter(1, 1, 100, "how often the texts are gone through by gradient descent")
    learning_rate: float = parameter(5e-4, 1e-6, 1.0, "of Adam, in whitened coordinates, falling to 0")
    batch_tokens: int = parameter(256, 8, 65536, "tokens per step")
    ridge: float = parameter(1e-3, 1e-8, 1e3, "penalty of the regression, in units of a dimension's mean variance")
    frequent: int = parameter(2048, 1, 1 << 20, "tokens of the vocabulary that every step compares")
    sampled: int = parameter(1024, 1, 1 << 20, "of all others, how many stand for the rest in a step")
    round_tokens: int = parameter(2048, 1, 1 << 24, "that are read before steps are taken on a mixture of them")
    max_length: int = parameter(128, 2, 1 << 20, "tokens at which a text is cut")
    seed: int = parameter(0, 0, 2**32 - 1, "of the order of texts and of the sampled tokens")


def recipe_of(model: Model, layers: tuple[int, ...], texts: tuple[str, ...], settings: LensSettings) -> dict[str, Any]:
    """Everything that decides the numbers of a lens, as JSON; its digest names the lens."""
    return {
        "what": "tuned lens",
        "format": FORMAT,
        "model_id": model.id,
        "fingerprint": model.fingerprint,
        "layers": list(layers),
        "texts": corpus_hash(texts),
        "n_texts": len(texts),
        "settings": asdict(settings),
        "device": model.device.type,
        "dtype": model.dtype_name,
        "torch": release("torch"),
        "transformers": version("transformers"),
    }


def key_of(recipe: dict[str, Any]) -> str:
    """The name of the lens's folder. A model's id is what it was opened by, and changes no number."""
    return workspace.digest({name: value for name, value in recipe.items() if name != "model_id"})
