"""Doses x seeds x prompts at once: what a push does to the concept, and what it breaks, beside its controls."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from core.activations import typical_norm
from core.directions import Direction
from core.errors import UserError
from core.models import Model, Site
from core.progress import Listener, silent
from core.steering.decoding import Decoding
from core.steering.guarding import Guards
from core.steering.interventions import Intervention, check_dose
from core.steering.kept import Block, write_blocks
from core.steering.measures import Measure, embedding_scores, probe_scores
from core.steering.operators import OPERATORS, Operator
from core.steering.positions import DEFAULT_POSITIONS, Positions
from core.steering.texts import prompt_ids, site_of, text_of
from core.steering.writing import Row

Arm = Literal["direction", "random", "prompt", "plain"]
WITHOUT_DOSES = ("prompt", "plain")  # arms in which nothing is pushed

# Sampled, since one greedy text says little of what a model tends to write.
DECODING = Decoding(max_new_tokens=40, temperature=0.7, top_p=0.95)


@dataclass(frozen=True)
class SweptText:
    """One text of a sweep.

    arm: what it was written under: the direction, a random direction of the same length (`number` says which), the
    plain instruction, or nothing at all ("plain"; both at dose 0). Where dose 0 changes nothing it is the same for the
    direction and all random ones, and stands once, as "direction"; of other operators (`set` at 0 is ablation) each has
    its own, and there is a plain text beside them. prompt: its number. score: of the probe at another layer; measure:
    of the independent judge; see core/steering/measures.py; None without a judge, or where nothing was written.
    """

    arm: Arm
    number: int
    dose: float
    coefficient: float
    prompt: int
    seed: int
    text: str
    tokens: tuple[int, ...]
    score: float | None
    measure: float | None
    guards: Guards

    def to_json(self) -> dict[str, Any]:
        numbers = {name: _or_none(value) for name, value in asdict(self.guards).items()}
        value = {name: getattr(self, name) for name in ("arm", "number", "dose", "coefficient", "seed", "text")}
        return value | {"prompt": self.prompt, "score": self.score, "measure": self.measure, "guards": numbers}


@dataclass(frozen=True, eq=False)
class DoseSweep:
    """All texts of a sweep. doses: ascending, 0 among them. tokens_per_second: of the writing
    alone; 0 where all texts were kept from before."""

    direction: str
    prompts: tuple[str, ...]
    doses: tuple[float, ...]
    seeds: tuple[int, ...]
    n_random: int
    texts: tuple[SweptText, ...]
    judges: tuple[Measure, ...]
    tokens_per_second: float
    seconds: float

    @cached_property
    def has_plain(self) -> bool:
        """Whether plain texts stand by themselves, since dose 0 of the operator is none."""
        return any(text.arm == "plain" for text in self.texts)

    @cached_property
    def random_doses(self) -> frozenset[float]:
        """At which random directions were swept, 0 among them."""
        return frozenset({0.0, *(text.dose for text in self.texts if text.arm == "random")})


@dataclass(frozen=True, eq=False)
class Judges:
    """Who reads the texts: a probe at a site of the model, an independent measure, or neither."""

    probe: Measure | None = None
    site: Site | None = None
    independent: Measure | None = None


def sweep_doses(
    model: Model,
    direction: Direction,
    prompts: Sequence[str],
    doses: Sequence[float],
    *,
    seeds: Sequence[int] = (0,),
    judges: Judges | None = None,
    operator: Operator = OPERATORS["add"],
    positions: Positions = DEFAULT_POSITIONS,
    decoding: Decoding = DECODING,
    n_random: int = 0,
    random_doses: Sequence[float] | None = None,
    instruction: str = "",
    targets: Sequence[int] = (),
    guard_controls: bool = True,
    chat: bool = False,
    progress: Listener = silent,
) -> DoseSweep:
    """Write a text for every dose, seed and prompt, and judge it.

    doses: in units of the typical norm of the direction's site (shares for operators that take a share); 0 is added.
    n_random: how many random directions, of the same length and at the same doses, are swept beside it (directions
    drawn uniformly from the sphere, with seeds 0, 1, ...); random_doses: at these of the doses alone. instruction:
    words that ask for the concept, put before each prompt without any push: what prompting alone would do. targets:
    token ids whose probability is a guard. guard_controls: whether the controls' guards are computed too; without, they
    are NaN. Texts are kept: a sweep that was stopped goes on where it was.
    """
    began = time.perf_counter()
    judges = judges or Judges()
    site = site_of(model, direction)
    if not prompts:
        raise UserError("Give at least one prompt to go on from.")
    if len(set(prompts)) < len(prompts):
        raise UserError("Give each prompt once; seeds write several texts after one.")
    if not seeds or len(set(seeds)) < len(seeds):
        raise UserError("Give each seed once, and at least one.")
    for dose in doses:
        check_dose(dose)
    ascending = tuple(sorted({0.0, *map(float, doses)}))
    if not set(random_doses or ()) <= set(ascending):
        raise UserError("Random directions are swept at doses of the direction; add those that it lacks.")
    unit = typical_norm(model, site, progress=progress).median if operator.unit == "norm" else 1.0
    ids = [tuple(prompt_ids(model, prompt, chat=chat)) for prompt in prompts]
    asked = (
        [tuple(prompt_ids(model, f"{instruction} {prompt}", chat=chat)) for prompt in prompts] if instruction else []
    )

    def push(vector: np.ndarray, dose: float) -> tuple[Intervention, ...]:
        return (Intervention(site, vector, dose * unit, positions, operator),)

    plan: list[tuple[Arm, int, float, int, int]] = []
    blocks: list[Block] = []

    def arm(name: Arm, number: int, doses: Sequence[float], vector: np.ndarray | None) -> None:
        """Its texts for all prompts and seeds, pushed along the vector, if there is one."""
        places = [(dose, place, seed) for place in range(len(ids)) for seed in seeds for dose in doses]
        rows = [
            Row(
                (asked if name == "prompt" else ids)[place],
                () if vector is None else push(vector, dose),
                _seed(seed, place),
            )
            for dose, place, seed in places
        ]
        plan.extend((name, number, *place) for place in places)
        # An instructed text is read after the bare prompt, as all others are: judges must not see the instruction.
        after = tuple(ids[place] for _, place, _ in places)
        blocks.append(Block(tuple(rows), after, guarded=guard_controls or name in ("direction", "plain")))

    arm("direction", 0, ascending, direction.vector)
    if not operator.nothing_at_zero:
        arm("plain", 0, (0.0,), None)
    # A push of 0 along any direction is the same text.
    at = set(ascending if random_doses is None else random_doses) | {0.0}
    if others := [dose for dose in ascending if dose in at and (dose or not operator.nothing_at_zero)]:
        for number in range(n_random):
            arm("random", number, others, _random_unit(direction.width, number))
    if asked:
        arm("prompt", 0, (0.0,), None)
    made = write_blocks(model, blocks, decoding, targets=targets, progress=progress)
    told = [one for of_block in made.texts for one in of_block]
    tokens = [one.written.tokens for one in told]
    texts = [text_of(model, of_text) for of_text in tokens]
    before = [ids[place] for _, _, _, place, _ in plan]
    read = [one.guards for one in told]
    score = measure = np.full(len(plan), np.nan)
    if judges.probe is not None and judges.site is not None:
        score = probe_scores(judges.probe, model, judges.site, before, tokens)
    if judges.independent is not None:
        measure = embedding_scores(judges.independent, texts)
    swept = tuple(
        SweptText(
            arm=arm,
            number=number,
            dose=dose,
            coefficient=dose * unit,
            prompt=place,
            seed=seed,
            text=texts[i],
            tokens=tokens[i],
            score=_or_none(score[i]),
            measure=_or_none(measure[i]),
            guards=read[i],
        )
        for i, (arm, number, dose, place, seed) in enumerate(plan)
    )
    return DoseSweep(
        direction=direction.name,
        prompts=tuple(prompts),
        doses=ascending,
        seeds=tuple(seeds),
        n_random=n_random,
        texts=swept,
        judges=tuple(one for one in (judges.probe, judges.independent) if one is not None),
        tokens_per_second=made.tokens_per_second,
        seconds=time.perf_counter() - began,
    )


def random_direction(direction: Direction, seed: int) -> Direction:
    """A direction at the same site, drawn uniformly from the sphere: what a push of that length does by itself."""
    return replace(direction, name=f"random-{seed}", vector=_random_unit(direction.width, seed), method="random")


def _random_unit(width: int, seed: int) -> np.ndarray:
    vector = np.random.default_rng(seed).standard_normal(width)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def _seed(seed: int, prompt: int) -> int:
    """The random numbers of a text: the same at all doses, so that doses differ by the push alone."""
    return seed * 100_003 + prompt


def _or_none(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
