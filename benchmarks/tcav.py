"""TCAV of images against Captum 0.9: the same model, images, layers and kind of CAV (difference of means).

Five textures as concepts, five sets of random patches, three layers of efficientnet-lite0, 50 inputs, one class. Captum
gives its scores of every concept against every random set; ours the scores against all random patches, with 999
permutations, readability and intervals. Both prepare the same pixels in batches of 8 on one thread, and write what they
have computed to disk. Cold is a fresh process for each; the other two follow in one process. Captum's classifier is
told to take means over the map first: its CAV is then ours, and sign count and magnitude have to agree before anything
is reported. Needs captum: `make peers`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchmarks.harness import tell
from benchmarks.memory import peak_mb
from core.activations import class_gradients, record_images
from core.examples.drawn import Drawn
from core.examples.images import Pixels, make_image_examples
from core.models import ImageModel, open_image_model
from core.tcav import Settings, make_inputs, make_target, pool_of, tcav
from core.tcav.scores import scores

if TYPE_CHECKING:
    from benchmarks.peers.captum_tcav import Captums

CONCEPTS = ("striped", "dotted", "zigzagged", "chequered", "woven")
ONE_MORE, RECORDED = "honeycomb", "noise"
RANDOM, INPUTS = 5, 50
LAYERS = (9, 12, 15)
TARGET = "class:zebra"
BATCH = 8
TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class Held:
    """An image in memory: neither side is timed at drawing."""

    name: str
    digest: str
    pixels: Pixels

    @property
    def content(self) -> str:
        return self.digest

    def load(self) -> Pixels:
        return self.pixels


@dataclass(frozen=True, eq=False)
class Work:
    """sets: name -> its images, equally many in each; `random 0` and so on are the negatives."""

    model: ImageModel
    sets: dict[str, list[Held]]
    inputs: list[Held]

    @property
    def random(self) -> list[str]:
        return [name for name in self.sets if name.startswith("random")]


def load(each: int) -> Work:
    def held(kind: str, first: int, number: int) -> list[Held]:
        drawn = [Drawn(kind, place, seed=9) for place in range(first, first + number)]
        return [Held(one.name, one.digest, one.load()) for one in drawn]

    sets = {name: held(name, 0, each) for name in (*CONCEPTS, ONE_MORE, RECORDED)}
    sets |= {f"random {number}": held("random", number * each, each) for number in range(RANDOM)}
    return Work(open_image_model("efficientnet-lite0", device="cpu"), sets, held("random", 1000, INPUTS))


class Ours:
    """In a workspace of its own."""

    def __init__(self, work: Work, directory: Path) -> None:
        self.work = work
        # The model is taken from where it was converted; what is computed goes into the new workspace.
        os.environ["CONCEPTSCOPE_HOME"] = str(directory)
        pool = [image for name in work.random for image in work.sets[name]]
        labels = [0] * len(pool)
        self.negatives = pool_of(make_image_examples("patches", "patches", pool, labels, source="drawn"))
        self.inputs = make_inputs("inputs", work.inputs)
        self.target = make_target(work.model, TARGET)

    def run(self, names: Sequence[str]) -> None:
        concepts = [
            make_image_examples(name, name, self.work.sets[name], [1] * len(self.work.sets[name]), source="drawn")
            for name in names
        ]
        settings = Settings(kinds=("diffmean",))
        options: dict[str, Any] = {"negatives": self.negatives, "settings": settings, "pushed": 0}
        found = tcav(self.work.model, concepts, [self.target], self.inputs, LAYERS, **options)
        if found.cached or len(found.results) != len(names) * len(LAYERS):
            raise AssertionError("this was computed before")

    def record(self, name: str) -> None:
        record_images(self.work.model, self.work.sets[name], [self.work.model.site(layer) for layer in LAYERS])


def check(work: Work, theirs: dict[str, Any], captums: Captums) -> tuple[float, float]:
    """Largest difference of sign scores, and of mean derivatives relative to the largest, over all cells.

    Captum's magnitude is along a CAV that is not of length 1, so that ours is multiplied by that length.
    """
    model = work.model
    sites = [model.site(layer) for layer in LAYERS]
    gradients = class_gradients(model, work.inputs, sites, captums.number).at
    rows = {name: record_images(model, work.sets[name], sites) for name in (*CONCEPTS, *work.random)}
    signs, magnitudes, largest = [], [], 0.0
    for name in CONCEPTS:
        for random in work.random:
            pair = f"{captums.concepts[name].id}-{captums.concepts[random].id}"
            for place, (site, path) in enumerate(zip(sites, captums.paths, strict=True)):
                cav = rows[name][place].load().mean(axis=0) - rows[random][place].load().mean(axis=0)
                mine = scores(gradients[site], cav.astype(np.float64))
                found = theirs[pair][f"network.{path}"]
                derivative = mine.mean_derivative * float(np.linalg.norm(cav))
                signs.append(abs(mine.sign - float(found["sign_count"][0])))
                magnitudes.append(abs(derivative - float(found["magnitude"][0])))
                largest = max(largest, abs(derivative))
    return max(signs), max(magnitudes) / largest


def measure(rounds: int, each: int) -> dict[str, Any]:
    cold = [{who: in_fresh_process(who, each) for who in ("ours", "captum")} for _ in range(rounds)]
    for number, one in enumerate(cold):
        tell(f"round {number + 1}, cold: ours {one['ours'].seconds:.2f} s, Captum {one['captum'].seconds:.2f} s")
    results = [
        _compared("cold", [(one["ours"].seconds, one["captum"].seconds) for one in cold], "s of processor time"),
        _compared("memory", [(one["ours"].peak_mb, one["captum"].peak_mb) for one in cold], "MB"),
    ]
    further, parity = measure_further(rounds, each)
    results += [_compared(name, seconds, "s of processor time") for name, seconds in further.items()]
    return {"results": results, "largest_difference": {"sign": parity[0], "mean derivative": parity[1]}}


def measure_further(rounds: int, each: int) -> tuple[dict[str, list[tuple[float, float]]], tuple[float, float]]:
    """Seconds (ours, theirs) of a concept more in a process that is warm; and how far the two are apart."""
    from benchmarks.peers.captum_tcav import Captums

    work, home = load(each), os.environ.get("CONCEPTSCOPE_HOME")
    seconds: dict[str, list[tuple[float, float]]] = {"one more concept": [], "its activations stored": []}
    parity = (0.0, 0.0)
    for number in range(rounds):
        with tempfile.TemporaryDirectory(prefix="conceptscope-bench-") as place:
            ours = Ours(work, Path(place) / "ours")
            captums = Captums(work, LAYERS, TARGET, BATCH, Path(place) / "captum")
            ours.run(CONCEPTS)
            parity = check(work, captums.run(CONCEPTS), captums)
            if max(parity) > TOLERANCE:
                raise AssertionError(f"scores differ from Captum's by {parity}")
            for name, concept in (("one more concept", ONE_MORE), ("its activations stored", RECORDED)):
                if concept == RECORDED:
                    ours.record(concept)
                    captums.record(concept)
                theirs, mine = timed(partial(captums.run, [concept])), timed(partial(ours.run, [concept]))
                seconds[name].append((mine, theirs))
                tell(f"round {number + 1}, {name}: ours {mine:.2f} s, Captum {theirs:.2f} s, ratio {theirs / mine:.1f}")
    if home is None:
        os.environ.pop("CONCEPTSCOPE_HOME")
    else:
        os.environ["CONCEPTSCOPE_HOME"] = home
    return seconds, parity


def _compared(name: str, pairs: Sequence[tuple[float, float]], unit: str) -> dict[str, Any]:
    """Ours and theirs as medians, and how many times as much theirs takes, each round by itself."""
    ratios = [theirs / mine for mine, theirs in pairs]
    return {
        "name": f"tcav-vs-captum-{name.replace(' ', '-')}",
        "ours": float(np.median([mine for mine, _ in pairs])),
        "peer": float(np.median([theirs for _, theirs in pairs])),
        "ratio": float(np.median(ratios)),
        "ratios": ratios,
        "unit": unit,
    }


def timed(run: Callable[[], Any]) -> float:
    """Processor time: a busy neighbour shall not count."""
    start = time.process_time()
    run()
    return time.process_time() - start


@dataclass(frozen=True)
class Alone:
    """What the cold run of one of the two took: seconds of processor time, and the process' largest size."""

    seconds: float
    peak_mb: float


def in_fresh_process(who: str, each: int) -> Alone:
    root = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-m", "benchmarks.tcav", "--alone", who, "--each", str(each)]
    return Alone(**json.loads(subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE).stdout))


def alone(who: str, each: int) -> None:
    """What runs in the fresh process: modules and pixels are loaded before the clock starts."""
    work = load(each)
    with tempfile.TemporaryDirectory(prefix="conceptscope-bench-") as place:
        run: Callable[[], Any]
        if who == "ours":
            run = partial(Ours(work, Path(place)).run, CONCEPTS)
        else:
            from benchmarks.peers.captum_tcav import Captums

            run = partial(Captums(work, LAYERS, TARGET, BATCH, Path(place)).run, CONCEPTS)
        seconds = timed(run)
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}))


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--json", action="store_true", help="print one JSON object")
    options.add_argument("--rounds", type=int, default=2, help="how often each way is run (default 2)")
    options.add_argument("--each", type=int, default=50, help="images in every set (default 50)")
    options.add_argument("--alone", choices=["ours", "captum"], help=argparse.SUPPRESS)
    chosen = options.parse_args()
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if chosen.alone:
            return alone(chosen.alone, chosen.each)
        found = measure(chosen.rounds, chosen.each)
    print(json.dumps(found) if chosen.json else "\n".join(map(json.dumps, found["results"])))
    return None


if __name__ == "__main__":
    main()
