"""What is asked about a concept: its examples, where, of which answer, and how much is spent on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from core.examples import Examples

if TYPE_CHECKING:
    from core.examples import ImageExamples
    from core.models import AnyModel, ImageModel
    from core.tcav import Inputs

    AnyKind: TypeAlias = AnyModel | ImageModel

METHODS = ("logistic", "diffmean")  # of the probes; the first is the probe, the second is the CAV and the push


@dataclass(frozen=True)
class Sizes:
    """How much is spent. The defaults take minutes with a small model on two cores; each full page goes further.

    rows: of the concept's examples, for probes, test and push. splits: ways to part training from test texts.
    inputs: texts whose answers are asked about. controls: sets that stand for other concepts. pushed: inputs on which
    a real push is measured. permutations: of labels, at the least. feature_rows: texts that features are ranked on.
    prompts, doses, random, tokens: of the sweep of doses: prompts, doses beside 0 in typical norms, random directions
    beside the concept's (at the outermost doses), and new tokens of each text. 11 directions ask a slope to
    lie 2.3 of their deviations out (3 would ask 5), and 20 prompts (all that there are) keep these small.
    """

    rows: int = 1000
    splits: int = 5
    inputs: int = 60
    controls: int = 50
    pushed: int = 16
    permutations: int = 999
    feature_rows: int = 400
    prompts: int = 20
    doses: tuple[float, ...] = (-0.6, -0.3, 0.3, 0.6)
    random: int = 11
    tokens: int = 20


@dataclass(frozen=True, eq=False)
class Question:
    """One concept in one model.

    examples: cut to `sizes.rows`. layer: where it is pushed, compared and held to be stable. target: the answer, as
    `--target` of the command line takes it; "" for none. inputs: whose answers are asked about, None for the concept's
    own. dictionary: name of one at hand, "" for none. feature_examples: the rows that features are ranked on.
    """

    examples: Examples | ImageExamples
    layer: int
    target: str = ""
    inputs: Inputs | None = None
    dictionary: str = ""
    feature_examples: Examples | None = None
    sizes: Sizes = field(default_factory=Sizes)

    @property
    def texts(self) -> Examples:
        """The examples of a concept of texts."""
        if not isinstance(self.examples, Examples):
            raise TypeError(f"{self.examples.id} holds images")
        return self.examples

    @property
    def of_texts(self) -> bool:
        return isinstance(self.examples, Examples)

    @property
    def title(self) -> str:
        return self.examples.title or self.examples.id

    def with_sizes(self, **changes: Any) -> Question:
        return replace(self, sizes=replace(self.sizes, **changes))

    def to_json(self) -> dict[str, Any]:
        """Everything that decides what is found but the model: names beside the hashes of what they stood for."""
        inputs = None if self.inputs is None else {"id": self.inputs.id, "rows": len(self.inputs.items)}
        return {
            "examples": self.examples.id,
            "digest": self.examples.digest,
            "layer": self.layer,
            "target": self.target,
            "inputs": inputs,
            "dictionary": self.dictionary,
            "sizes": asdict(self.sizes) | {"doses": list(self.sizes.doses)},
        }


def tested_layers(layer: int, n_layers: int) -> tuple[int, ...]:
    """Where the answer's dependence is tested: the layer, and one a sixth of the depth before it."""
    before = max(0, layer - max(1, n_layers // 6))
    return tuple(dict.fromkeys((before, layer)))


def too_few(examples: Examples | ImageExamples, needed: int) -> str:
    """Why these examples cannot teach a probe, in one sentence; "" if they can."""
    for label, name in ((1, examples.positive_name or "positive"), (0, examples.negative_name or "negative")):
        found = len(_groups(examples, label))
        if found < needed:
            what = "no" if not found else f"only {found} independent"
            return (
                f"{examples.title or examples.id} holds {what} examples of “{name}”, and {needed} are needed of either"
                " class: add some."
            )
    return ""


def _groups(examples: Examples | ImageExamples, label: int) -> Sequence[int]:
    return sorted({int(g) for g, y in zip(examples.groups, examples.labels, strict=True) if y == label})
