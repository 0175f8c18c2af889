"""Does the cost of a unit grow with the amount? Recording by tokens, indexing by features, probing by sets.

Each amount is done in a fresh process that has done a little of the same before, three sizes each: time per unit and
peak memory, as ratios to the smallest. A store, an index or a table that grew faster than its content would show as a
ratio above 1; what is done once whatever the amount, as a ratio below. The sizes are done in turns,
forwards and backwards, and the median counts, since machines drift.

    recording: tokens after block 0 of smollm2 (depth costs time, no memory), pool mean.
    indexing: features of a dictionary of random directions over the same recorded tokens, all that an index holds and
        its writing. Each token is on at 32 features, whatever their number, so that there is work by the token, work by
        the feature and, for the nearest neighbours, work by the pair.
    probing: sets of 100 rows of one layer, recorded before, with every method, its controls and baselines.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.harness import tell
from benchmarks.memory import peak_mb
from benchmarks.reactions import linked_home

ROOT = Path(__file__).resolve().parent.parent
SIZES = {
    "recording": (10_000, 100_000, 1_000_000),
    "indexing": (1_024, 8_192, 65_536),
    "probing": (1, 10, 100),
}
UNITS = {"recording": "token", "indexing": "feature", "probing": "set"}
INDEXED, K, ROWS = 120, 32, 100  # texts that are indexed, features on at a token, rows of a set
LAYER, DEEP, WARM = 0, 14, 64  # block that is recorded and probed, that which is indexed, texts to begin with


@dataclass(frozen=True)
class Point:
    """One amount. seconds: of the work alone. peak: MB of the process, model and libraries included. before: MB when
    the work began."""

    work: str
    amount: int
    seconds: float
    peak: float
    before: float


def record(amount: int, shared: Path) -> float:
    from core.activations import record_texts
    from core.models import open_model, tokenize

    model, texts = open_model("smollm2"), json.loads((shared / "texts.json").read_text())
    record_texts(model, texts[-WARM:], [model.site(LAYER)], max_length=256)
    chosen: list[str] = []
    total = 0
    for start in range(0, len(texts) - WARM, 256):
        part = texts[start : start + 256]
        for text, ids in zip(part, tokenize(model, part, 256), strict=True):
            if total < amount:
                chosen.append(text)
                total += len(ids)
        if total >= amount:
            break
    begun()
    (store,) = record_texts(model, chosen, [model.site(LAYER)], max_length=256)
    if store.cached:
        raise AssertionError("nothing was computed")
    return total


def index(amount: int, shared: Path) -> float:
    import numpy as np
    import torch

    from core.activations import record_texts
    from core.dictionaries import Card, Dictionary
    from core.dictionaries.index import build_index
    from core.dictionaries.index.corpora import Indexed
    from core.dictionaries.sae import Config, Sae
    from core.models import open_model

    model, texts = open_model("smollm2"), json.loads((shared / "texts.json").read_text())[:INDEXED]
    site = model.site(DEEP)
    (store,) = record_texts(model, texts, [site], pool="none", max_length=256)
    if not store.cached:
        raise AssertionError("the texts were to be recorded before")
    places = np.array([(0, row, 0, len(text)) for row, text in enumerate(texts)], dtype=np.int32)
    indexed, chance = Indexed("file", ("texts.json",), places, texts, {}), torch.Generator().manual_seed(0)

    def made(features: int) -> Dictionary:
        rows = torch.nn.functional.normalize(torch.randn(features, model.width, generator=chance), dim=1)
        config = Config("topk", model.width, features, model.width, k=K)
        weights = {"W_dec": rows, "W_enc": rows.T.contiguous(), "b_enc": torch.zeros(features)}
        sae = Sae(config, weights | {"b_dec": torch.zeros(model.width)})
        return Dictionary(f"of {features}", sae, Card(model.id, model.fingerprint, site, site, site))

    build_index(model, made(2 * K), indexed, store=store)
    dictionary = made(amount)
    begun()
    build_index(model, dictionary, indexed, store=store)
    return amount


def probe(amount: int, shared: Path) -> float:
    from core.models import open_model
    from core.probing import METHODS, probe_all
    from core.probing.all_sets import bundled_sets

    model, sets = open_model("smollm2"), bundled_sets()
    probe_all(model, [LAYER], methods=list(METHODS), limit=ROWS, sets=sets[-1:])
    begun()
    table = probe_all(model, [LAYER], methods=list(METHODS), limit=ROWS, sets=sets[:amount], seed=amount)
    return table.computed


WORKS: dict[str, Callable[[int, Path], float]] = {"recording": record, "indexing": index, "probing": probe}
_begun: list[float] = []


def begun() -> None:
    """The clock starts: what is needed stands ready."""
    _begun[:] = [time.perf_counter(), peak_mb()]


def inside(work: str, amount: int, shared: Path) -> Point:
    """What runs in the fresh process."""
    done = WORKS[work](amount, shared)
    if done < amount:
        raise AssertionError(f"{done} {UNITS[work]}s were done of {amount}")
    return Point(work, amount, time.perf_counter() - _begun[0], peak_mb(), _begun[1])


def measure(works: Sequence[str], rounds: int, sizes: Mapping[str, Sequence[int]]) -> list[Point]:
    """Medians over the rounds of every work and amount."""
    found: list[Point] = []
    with tempfile.TemporaryDirectory(prefix="conceptscope-bench-") as directory:
        shared = Path(directory)
        linked_home(shared / "home")
        prepare(works, shared, max(sizes["probing"]), max(sizes["recording"]))
        for work in works:
            points: dict[int, list[Point]] = {amount: [] for amount in sizes[work]}
            for number in range(rounds):
                for amount in sizes[work] if number % 2 == 0 else reversed(sizes[work]):
                    points[amount].append(in_fresh_process(work, amount, shared, number))
            for amount, of_amount in points.items():
                seconds, peak, before = (
                    statistics.median(getattr(one, name) for one in of_amount) for name in ("seconds", "peak", "before")
                )
                found.append(Point(work, amount, seconds, peak, before))
    return found


def prepare(works: Sequence[str], shared: Path, sets: int, tokens: int) -> None:
    """Texts for all, and the recorded sets that are probed."""
    from benchmarks.texts import mixed_texts
    from core.activations import record_texts
    from core.examples import open_examples
    from core.models import open_model
    from core.probing.all_sets import bundled_sets

    texts = mixed_texts(max(tokens // 20, INDEXED) + WARM)
    (shared / "texts.json").write_text(json.dumps(texts))
    model = open_model("smollm2")
    if "indexing" in works:
        record_texts(model, texts[:INDEXED], [model.site(DEEP)], pool="none", max_length=256)
    if "probing" in works:
        for info in [*bundled_sets()[:sets], bundled_sets()[-1]]:
            record_texts(model, open_examples(info.id, limit=ROWS).texts, [model.site(LAYER)], max_length=256)
        tell(f"recorded {sets} sets of {ROWS} rows")


def in_fresh_process(work: str, amount: int, shared: Path, number: int) -> Point:
    home = shared / f"home-{work}-{amount}-{number}"
    linked_home(home)
    command = [sys.executable, "-m", "benchmarks.growth", "--inside", work, str(amount), str(shared)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    shutil.rmtree(home)
    os.environ["CONCEPTSCOPE_HOME"] = str(shared / "home")  # the next one begins with what all begin with
    point = Point(**json.loads(done.stdout))
    each = point.seconds / amount * 1e3
    tell(f"{work} {amount:,}: {point.seconds:.1f} s, {each:.3g} ms each, peak {point.peak:,.0f} MB")
    return point


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    options.add_argument("--json", action="store_true", help="print one JSON object")
    options.add_argument("--rounds", type=int, default=2, help="how often each amount is done (default 2)")
    options.add_argument("--works", default=",".join(WORKS), help="which (default: all)")
    options.add_argument("--picture", type=Path, help="draw the figures as an SVG file")
    options.add_argument("--inside", nargs=3, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.inside:
        work, amount, shared = chosen.inside
        print(json.dumps(asdict(inside(work, int(amount), Path(shared)))))
        return
    points = measure(chosen.works.split(","), chosen.rounds, SIZES)
    if chosen.picture:
        from benchmarks.growth_picture import draw

        chosen.picture.write_text(draw(points, UNITS), "utf-8")
    if chosen.json:
        print(json.dumps({"results": [asdict(one) for one in points]}))
        return
    for one in points:
        first = next(other for other in points if other.work == one.work)
        each = one.seconds / one.amount
        cost = each / (first.seconds / first.amount)
        print(
            f"{one.work} of {one.amount:,} {UNITS[one.work]}s: {one.seconds:.1f} s, {1e3 * each:.3g} ms "
            f"each ({cost:.2f} of the smallest's), peak {one.peak:,.0f} MB ({one.peak / first.peak:.2f})"
        )


if __name__ == "__main__":
    main()
