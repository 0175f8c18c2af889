"""Everything that decides a test of the TCAV page, and the command line that computes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from core import first_concept
from core.errors import UserError
from core.workspace import digest, place, write_bytes
from pages.shared import cached, cached_tcav
from pages.shared.hardware import as_arguments
from pages.shared.links import comma

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.activations import Pool
    from core.examples import Info
    from core.models import AnyModel, ImageModel
    from core.progress import Listener
    from core.tcav import Inputs, Settings, Tcav
    from core.tcav.reopening import Reopened
    from core.tcav.sources import Labelled

OWN, POOLED, AGAINST = "own", "pool", "against"
KINDS = ("diffmean", "lda")


@dataclass(frozen=True)
class How:
    """How a test is made, beyond what is asked. Defaults are those of the command line."""

    kinds: tuple[str, ...] = KINDS
    cav: str = "diffmean"
    pool: Pool = "mean"
    correction: str = "holm"
    permutations: int = 999
    seed: int = 0
    controls: int = 60
    pushed: int = 32
    limit: int = first_concept.LIMIT
    inputs_limit: int = first_concept.INPUTS

    def settings(self) -> Settings:
        """Raises UserError for what makes no sense together."""
        from core.tcav import Settings

        return Settings(self.kinds, self.cav, self.correction, self.permutations, self.seed)

    def arguments(self) -> list[str]:
        """Of the question: what every command of TCAV takes. What is at its default is left out."""
        words = []
        if self.kinds != KINDS:
            words += ["--cavs", comma(self.kinds)]
        if self.cav != self.kinds[0]:
            words += ["--cav", self.cav]
        for name, default in (("pool", "mean"), ("permutations", 999), ("seed", 0)):
            if getattr(self, name) != default:
                words += [f"--{name}", str(getattr(self, name))]
        return words


@dataclass(frozen=True)
class Choices:
    """concepts: ids of sets, the sidebar's first. targets: specs. prompts: own inputs; else `inputs` is a set's id.

    negatives: OWN, or POOLED or AGAINST with the set `other`. mark: where in an input the answer is read, "" at its
    end. kind: "text" or "image", what the model reads.
    """

    model: str
    concepts: tuple[str, ...]
    targets: tuple[str, ...]
    inputs: str
    prompts: tuple[str, ...]
    layers: tuple[int, ...]
    negatives: str = OWN
    other: str = ""
    mark: str = ""
    how: How = How()
    kind: str = "text"

    def arguments(self) -> list[str]:
        """The command line: equal work is one job."""
        words = ["tcav", self.model, "--concepts", comma(self.concepts), "--layers", comma(self.layers)]
        words += self.asked()
        if self.negatives != OWN:
            words += ["--negatives" if self.negatives == POOLED else "--against", self.other]
        words += ["--limit", str(self.how.limit)]
        for name, default in (("controls", 60), ("pushed", 32), ("correction", "holm")):
            if getattr(self.how, name) != default:
                words += [f"--{name}", str(getattr(self.how, name))]
        return [*words, *as_arguments()]

    def asked(self) -> list[str]:
        """The part of the command line that says what concepts are tested on."""
        # In one word each: what is typed may begin with a dash, which would be taken for another option.
        words = [f"--target={spec}" for spec in self.targets]
        words += ["--inputs", self.inputs_id(), "--inputs-limit", str(self.how.inputs_limit)]
        return [*words, *([f"--mark={self.mark}"] if self.mark else []), *self.how.arguments()]

    def inputs_id(self) -> str:
        """The set, or a file in the workspace that holds the prompts, named by what they are."""
        if not self.prompts:
            return self.inputs
        path = place("prompts", f"{digest(list(self.prompts))}.txt")
        if not path.is_file():
            write_bytes(path, "".join(f"{prompt}\n" for prompt in self.prompts).encode("utf-8", "replace"))
        return str(path)

    def open_inputs(self) -> Inputs:
        """Raises UserError if there are none."""
        from core.tcav import make_inputs
        from core.tcav.targets import cut_at_mark

        limit = self.how.inputs_limit
        if self.kind == "image":
            found = cached_tcav.images(self.inputs, limit)
            return make_inputs(self.inputs, found.images, found.groups)
        if self.prompts:
            texts, groups = self.prompts[:limit], None
        else:
            examples = cached.examples(self.inputs, limit)
            texts, groups = examples.texts, examples.groups
        cut = [cut_at_mark(text, self.mark or None) for text in texts]
        return make_inputs(self.inputs_id(), cut, groups, whole=texts)

    @property
    def infos(self) -> dict[str, Info]:
        """The sets at hand that the model can read, by id."""
        return cached.all_examples() if self.kind == "text" else cached.all_images()

    def open_set(self, id: str, limit: int | None = None) -> Labelled:
        """A labelled set of what the model reads, cut to `limit` rows or to those of the test."""
        limit = self.how.limit if limit is None else limit
        return cached.examples(id, limit) if self.kind == "text" else cached_tcav.images(id, limit)

    def controls(self) -> Sequence[Labelled]:
        """The sets that stand for other concepts."""
        return cached_tcav.controls(self.how.controls, self.kind)

    def parts(self, model: AnyModel | ImageModel) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What `tcav` and `reopen` are called with after the model."""
        from core.tcav import Reading
        from core.tcav.known import known_target
        from core.tcav.sources import pool_of, rival_of

        negatives = None
        if self.negatives != OWN:
            negatives = (pool_of if self.negatives == POOLED else rival_of)(self.open_set(self.other))
        asked = (
            [self.open_set(id) for id in self.concepts],
            [known_target(model, spec) for spec in self.targets],
            self.open_inputs(),
            self.layers,
        )
        how = {"negatives": negatives, "settings": self.how.settings(), "reading": Reading(self.how.pool)}
        return asked, how

    def known(self) -> Tcav | None:
        """The result, if it was computed before, by whomever. Raises UserError for choices that cannot be."""
        from core.tcav import tcav

        def look(model: AnyModel | ImageModel) -> Tcav:
            asked, how = self.parts(model)
            return tcav(model, *asked, **how, controls=self.controls(), pushed=self.how.pushed, compute=False)

        return cached_tcav.answer(self.model, self.kind, look)

    def reopened(self, progress: Listener) -> Reopened:
        """The arrays behind the result; recorded where they are not stored."""
        return cached_tcav.reopened(self, progress)

    def with_how(self, **changes: Any) -> Choices:
        return replace(self, how=replace(self.how, **changes))


def read_layers(text: str, n_layers: int | None, model: str) -> tuple[int, ...]:
    """`spread`, `all`, or numbers. Raises UserError for what is no list of layers."""
    word = text.strip().lower()
    if word == "spread":
        return first_concept.spread(n_layers or 30)
    if word == "all":
        return tuple(range(n_layers or 30))
    try:
        layers = tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        raise UserError(
            f"Layers are numbers such as 8,14,20, or one of the words spread and all, not {text!r}."
        ) from None
    most = None if n_layers is None else n_layers - 1
    if bad := [layer for layer in layers if layer < 0 or (most is not None and layer > most)]:
        raise UserError(f"There is no layer {bad[0]}: {model} has layers 0 to {'…' if most is None else most}.")
    return layers
