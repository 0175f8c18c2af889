"""What a push does to a text, for concepts that were fixed beforehand: slopes beside those of 20 random directions.

Per concept: the difference of means after layer 13 of smollm2; 7 doses, the 20 neutral prompts of
core/steering/prompts.py, a text each (temperature 0.7, top-p 0.95), the prompt alone pushed. The judge of a text is the
logistic regression on sentence embeddings, taught on the concept's examples. Concepts, prompts, doses and settings were
written down before the first run; every concept is reported, whatever came out. What was written is kept in the
workspace: a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.harness import tell
from core import first_concept
from core.directions import Direction, list_directions, make_direction
from core.examples import open_examples
from core.models import Model, open_model
from core.progress import Progress
from core.steering import Decoding, Judges, compare_slopes, embedding_measure, recommended_range, sweep_doses
from core.steering.dose_sweep import DoseSweep
from core.steering.prompts import NEUTRAL

CONCEPTS = {
    "sae-probes/92_glue_sst2": "positive sentiment (film reviews)",
    "sae-probes/157_amazon_5star": "five-star reviews",
    "sae-probes/149_twt_emotion_happiness": "happiness (tweets)",
    "sae-probes/96_spam_is": "spam",
    "sae-probes/105_click_bait": "clickbait",
    "sae-probes/95_toxic_is": "toxic requests",
    "sae-probes/140_news_class_Technology": "business news",
    "sae-probes/159_code_Python": "Python code",
}
DOSES = (-0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75)
SEEDS = (0,)
RANDOM = 20
WORSE = 1.5  # perplexity of a sound text, as a multiple of plain
ROWS = 600  # examples of each concept, for the direction and for the judge
LENGTH = 48  # tokens of an example that are read for the direction
DECODING = Decoding(max_new_tokens=24, temperature=0.7, top_p=0.95)


@dataclass(frozen=True)
class Effect:
    """One line of the table.

    judge: AUROC of the judge on held-out examples. slope: of its score over dose (1 lies halfway between the classes'
    means), with 95% interval over prompts. wrong_way: share of prompts whose own slope has the other sign. random: mean
    slope of the random directions with 95% interval over directions. above: how many of them lie below the slope. low,
    high: recommended range, chosen on one half of the prompts. shown: what each dose of the range does on the other
    half: the dose; how far it moves the judge, in standard deviations of the dose-0 texts, counted towards the concept
    for positive doses and away from it for negative ones; perplexity, as a multiple of plain. best: of the doses of the
    range that keep within `WORSE` there, the one that moves furthest; of all, where none does.
    """

    concept: str
    reads: float | None
    judge: float
    slope: float
    interval: tuple[float, float]
    wrong_way: float
    random: float
    random_interval: tuple[float, float]
    random_largest: float
    above: int
    low: float
    high: float
    shown: list[tuple[float, float, float]]

    @property
    def best(self) -> tuple[float, float, float] | None:
        sound = [one for one in self.shown if one[2] <= WORSE]
        return max(sound or self.shown, key=lambda one: one[1], default=None)

    @property
    def holds(self) -> bool:
        """Whether all that is asked of an effect is there: above every random slope, and one sound strong dose."""
        null = self.random_interval[0] <= 0 <= self.random_interval[1]
        strong = any(moved > 1 and perplexity <= WORSE for _, moved, perplexity in self.shown)
        return self.above == RANDOM and null and strong


def direction_of(model: Model, id: str) -> Direction:
    """The first visit's own direction where there is one, else made from `ROWS` examples."""
    saved = {one.name: one for one in list_directions()}.get(first_concept.DIRECTION)
    if id == first_concept.EXAMPLES and saved is not None and saved.model_fingerprint == model.fingerprint:
        return saved
    examples = open_examples(id, limit=ROWS)
    site = model.site(first_concept.LAYER)
    return make_direction(
        model, examples, site, "diffmean", name="effect", limit=ROWS, max_length=LENGTH, progress=_say
    )


def effect_of(sweep: DoseSweep, title: str, reads: float | None, judge: float) -> Effect:
    """The line of the table."""
    slopes, found = compare_slopes(sweep), recommended_range(sweep)
    assert slopes is not None  # there is a judge
    assert found is not None  # there are 20 prompts
    shown = [(dose, float(np.sign(dose) * by), worse) for dose, worse, _, by in found.shown if by is not None]
    return Effect(
        concept=title,
        reads=reads,
        judge=judge,
        slope=slopes.slope.mean,
        interval=(slopes.slope.low, slopes.slope.high),
        wrong_way=slopes.slope.wrong_way,
        random=slopes.random_mean,
        random_interval=(slopes.random_low, slopes.random_high),
        random_largest=max(slopes.random),
        above=slopes.above,
        low=found.low,
        high=found.high,
        shown=shown,
    )


def measure(model: Model, id: str, title: str, tokens: int, random: int) -> tuple[Effect, DoseSweep]:
    judge = embedding_measure(open_examples(id, limit=ROWS), progress=_say)
    direction = direction_of(model, id)
    sweep = sweep_doses(
        model,
        direction,
        NEUTRAL,
        DOSES,
        seeds=SEEDS,
        judges=Judges(independent=judge),
        decoding=Decoding(**{**asdict(DECODING), "max_new_tokens": tokens}),
        n_random=random,
        guard_controls=False,
        progress=_say,
    )
    return effect_of(sweep, title, direction.auroc, judge.auroc), sweep


def line(one: Effect) -> str:
    """The table's line, in Markdown."""
    shown = "none" if one.best is None else "{:+g}: {:+.2f} sd, {:.2f}".format(*one.best)
    cells = (
        one.concept,
        "-" if one.reads is None else f"{one.reads:.2f}",
        f"{one.judge:.2f}",
        f"{one.slope:+.2f} ({one.interval[0]:+.2f} to {one.interval[1]:+.2f})",
        f"{one.random:+.2f} ({one.random_interval[0]:+.2f} to {one.random_interval[1]:+.2f}), "
        f"at most {one.random_largest:+.2f}",
        f"{one.above} of {RANDOM}",
        f"{one.wrong_way:.0%}",
        f"{one.low:+g} to {one.high:+g}",
        shown,
        "yes" if one.holds else "no",
    )
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    options.add_argument("--json", action="store_true", help="print one JSON object")
    options.add_argument("--tokens", type=int, default=DECODING.max_new_tokens, help="new tokens per text (default 24)")
    options.add_argument("--random", type=int, default=RANDOM, help="random directions (default 20)")
    chosen = options.parse_args()
    model = open_model(first_concept.MODEL)
    found: list[Effect] = []
    texts: dict[str, Any] = {}
    for id, title in CONCEPTS.items():
        tell(f"{title} ({id})")
        effect, sweep = measure(model, id, title, chosen.tokens, chosen.random)
        found.append(effect)
        texts[title] = [one.text for one in sweep.texts if one.arm == "direction" and (one.prompt, one.seed) == (0, 0)]
        tell(line(effect))
    if chosen.json:
        print(
            json.dumps(
                {"results": [asdict(one) | {"best": one.best, "holds": one.holds} for one in found], "texts": texts}
            )
        )
    else:
        print("\n".join(line(one) for one in found))


def _say(moment: Progress) -> None:
    if moment.total and moment.done % max(1, moment.total // 20) == 0:
        print(f"  {moment.note}: {moment.done} of {moment.total} {moment.unit}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
