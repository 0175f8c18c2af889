"""A concept that a tiny model is asked about, in no time: for tests of the room, its commands and its page."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path

from core import workspace
from core.activations import TypicalNorm, write_result
from core.activations.reference import key_of
from core.concept import Question, Sizes
from core.concept.asking import ask
from core.examples import from_lists, reference_texts, save_examples
from core.models import Model

SPEC = "the,was|and"
SMALL = Sizes(
    rows=80,
    splits=2,
    inputs=24,
    controls=0,
    pushed=4,
    permutations=99,
    feature_rows=40,
    prompts=2,
    doses=(-0.5, 0.5),
    random=2,
    tokens=4,
)
LAYER = 2
# The same sizes as options of the command line.
OPTIONS = (
    *("--limit", "80", "--splits", "2", "--inputs-limit", "24", "--controls", "0", "--pushed", "4"),
    *("--permutations", "99", "--feature-rows", "40", "--prompts", "2", "--doses=-0.5,0.5", "--random", "2"),
    *("--tokens", "4", "--layer", str(LAYER), "--target", SPEC),
)
HOSTILE = "</script><img src=x onerror=alert(1)> & *red*"


def save_moods(name: str = "moods", rows: int = 30) -> str:
    """A set that any model can tell apart; one of its texts could be taken for markup. Returns its id."""
    good = [f"The {thing} number {i} was lovely." for i in range(rows // 2) for thing in ("house", "day")]
    bad = [f"The {thing} number {i} was awful." for i in range(rows // 2) for thing in ("house", "day")]
    save_examples(from_lists([*good, HOSTILE], bad, name), name)
    return name


def measure_norms(model: Model, prepared: Path) -> None:
    """Typical norms that were taken over two thousand texts, as if somebody had done so.

    prepared: the workspace of `make setup`, in which these texts were drawn before, which takes seconds.
    """
    drawn = prepared / "examples" / "bundled"
    if drawn.is_dir():
        shutil.copytree(drawn, workspace.place("examples", "bundled"), dirs_exist_ok=True)
    texts = reference_texts()
    for layer in range(model.n_layers):
        norm = TypicalNorm(median=1.0, n_tokens=1, n_sinks=0, n_texts=len(texts))
        write_result(key_of(model, model.site(layer), texts), asdict(norm))


def small_question(model: Model, id: str, **more: str) -> Question:
    return ask(model, id, layer=LAYER, target=SPEC, sizes=SMALL, **more)
