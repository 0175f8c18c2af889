"""Ray against this process alone at equal cores, one worker against two, and what the asking process adds to a shard.

Recording of unpooled activations of smollm2 after block 6, in shards of 256 texts: by this process with one thread and
with two, by one worker with one thread, by two with one thread each. Teams stand before anything is timed; what it
takes to start them is told beside. `--terms` measures what the plan in docs/scaling.md is made of instead: what a shard
costs outside the forward pass, by its size, and what handing out a piece costs.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.harness import Comparison, Work, alternate, compare, parser, report, tell
from benchmarks.texts import mixed_texts
from core import workspace
from core.activations import Recipe, Store, record_texts
from core.activations.store import ShardEntry
from core.engines import Holder, RayEngine
from core.engines.connecting import connected
from core.engines.recording import Asked, Unentered, record_by
from core.models import open_model

LAYER, SHARD = 6, 256  # texts


@contextmanager
def fresh() -> Iterator[Path]:
    """A workspace in the place of ours that holds the same models and nothing else."""
    models = workspace.place("models", "x").parent
    before, own = os.environ.get("CONCEPTSCOPE_HOME"), tempfile.mkdtemp(prefix="bench-", dir=workspace.home())
    os.environ["CONCEPTSCOPE_HOME"] = own
    shutil.copytree(models, Path(own) / "models", copy_function=os.link)
    try:
        yield Path(own)
    finally:
        shutil.rmtree(own, ignore_errors=True)
        del os.environ["CONCEPTSCOPE_HOME"]
        if before is not None:
            os.environ["CONCEPTSCOPE_HOME"] = before


def tokens_of(store: Store) -> float:
    if store.cached:
        raise AssertionError("nothing was computed")
    found = float(sum(entry.tokens_read for entry in store.entries().values()))
    shutil.rmtree(store.path)  # the next round begins anew
    return found


def compare_engines(rounds: int, n_texts: int, layer: int) -> list[Comparison]:
    opener, texts = partial(open_model, "smollm2"), mixed_texts(n_texts)
    model = opener()

    def alone(threads: int, texts: Sequence[str]) -> float:
        torch.set_num_threads(threads)
        return tokens_of(record_texts(model, texts, [model.site(layer)], pool="none")[0])

    with fresh(), ExitStack() as stack:
        began = time.perf_counter()
        stack.enter_context(connected("local", 3, 1))
        tell(f"starting Ray took {time.perf_counter() - began:.1f} s")
        teams = {}
        for workers in (1, 2):
            began = time.perf_counter()
            teams[workers] = stack.enter_context(RayEngine(workers=workers, threads=1).team(opener))
            list(teams[workers].run([Warm(tuple(texts[:8]))] * 4 * workers))
            tell(f"until {workers} workers had loaded the model and read a little: {time.perf_counter() - began:.1f} s")

        def by_ray(workers: int) -> float:
            return tokens_of(record_by(teams[workers], Asked((layer,), pool="none"), texts)[0])

        for threads in (1, 2):
            alone(threads, texts[:32])
        ways: dict[str, Work] = {
            "alone, 1 thread": lambda: alone(1, texts),
            "1 worker": lambda: by_ray(1),
            "2 workers": lambda: by_ray(2),
            "alone, 2 threads": lambda: alone(2, texts),
        }
        rates = alternate(ways, rounds)
    return [
        compare("ray-1-worker-vs-local-1-thread", "tokens/s", rates["1 worker"], rates["alone, 1 thread"]),
        compare("ray-2-workers-vs-local-2-threads", "tokens/s", rates["2 workers"], rates["alone, 2 threads"]),
        compare("ray-2-workers-vs-1-worker", "tokens/s", rates["2 workers"], rates["1 worker"]),
    ]


@dataclass(frozen=True)
class Warm:
    """A worker loads its model and reads a few texts."""

    texts: tuple[str, ...]

    def done_by(self, holder: Holder) -> int:
        model = holder.model
        with fresh():
            record_texts(model, self.texts, [model.site(LAYER)])
        return os.getpid()


@dataclass(frozen=True)
class Nothing:
    """A piece as large as a shard's, over which nothing is computed."""

    texts: tuple[str, ...]

    def done_by(self, holder: Holder) -> ShardEntry:
        del holder
        return entry_of(0)


def entry_of(number: int) -> ShardEntry:
    return ShardEntry(f"shard-{number:05d}.safetensors", 64 * "0", 128, 32768, 32768, 12, [], 32768)


def measure_terms(rounds: int) -> dict[str, Any]:
    """Seconds outside the forward pass. write: by megabytes of a shard, until it is on disk with its checksum. enter: a
    manifest by its number of shards. hand_out: a piece of 128 texts of 1,100 characters, by workers that do nothing."""
    found: dict[str, Any] = {"write": {}, "enter": {}, "hand_out": {}}
    with fresh():
        recipe = _recipe()
        for megabytes in (16, 64, 256):
            tensors = {"activations": torch.rand(megabytes << 8, 1024, dtype=torch.float32)}
            about: dict[str, Any] = dict.fromkeys(["texts", "tokens", "tokens_read", "sinks", "batch_tokens"], 1)
            store = Unentered(recipe)
            found["write"][megabytes] = _fastest(
                rounds, lambda t=tensors, s=store, a=about: s.put(0, t, **a, nothing_kept=[])
            )
        for shards in (100, 1000, 10_000, 30_000):
            entered = Store(recipe)
            entered.publish_all({number: entry_of(number) for number in range(shards)})
            found["enter"][shards] = _fastest(rounds, lambda s=entered, n=shards: s.publish(n, entry_of(n)))
            shutil.rmtree(entered.path)
        pieces = [Nothing(tuple(f"{n} {'word ' * 220}" for n in range(128)))] * 400
        for workers in (1, 2):
            with connected("local", workers, 1), RayEngine(workers=workers, threads=1).team(_Tiny()) as team:
                list(team.run(pieces[:20]))
                seconds = _fastest(rounds, lambda team=team: list(team.run(pieces)))
                found["hand_out"][workers] = seconds / len(pieces)
    return found


class _Tiny:
    """Opens a model that is hardly there."""

    def __call__(self) -> Any:
        from tests.tiny import tiny_directory

        with tempfile.TemporaryDirectory() as folder:
            return open_model(str(tiny_directory(Path(folder), "llama")))


def _recipe() -> Recipe:
    about = {"fingerprint": "x", "site": "x", "layer": 0, "kind": "after", "pool": "none", "all_positions": False}
    sizes = {"max_length": 256, "corpus": "x", "n_texts": 1 << 30, "shard_texts": 128, "batch_tokens": 1}
    return Recipe(**about, **sizes, device="cpu", dtype="float32")  # type: ignore[arg-type]


def _fastest(rounds: int, work: Any) -> float:
    """Seconds; the least of several is what the work itself takes."""
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)


def main() -> None:
    options = parser(__doc__ or "", rounds=3)
    options.add_argument("--texts", type=int, default=4 * SHARD, help=f"that are recorded (default {4 * SHARD})")
    options.add_argument("--layer", type=int, default=LAYER, help=f"after which (default {LAYER})")
    options.add_argument("--terms", action="store_true", help="measure what the plan is made of instead, as JSON")
    chosen = options.parse_args()
    if chosen.terms:
        print(json.dumps(measure_terms(chosen.rounds)))
    else:
        report(compare_engines(chosen.rounds, chosen.texts, chosen.layer), chosen.json)


if __name__ == "__main__":
    main()
