"""Kill a recording with SIGKILL at random moments, resume it, and compare with an undisturbed one, byte for byte.

    python -m tests.killed_recording DIRECTORY [MODEL [KILLS]]

Works in fresh workspaces under DIRECTORY; prints one JSON object. A program of its own, since it forks: each child
is the whole of a recording job but for the imports, which would take most of the time.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from core.activations import record_texts
from core.activations.store import Store
from core.models import Model, open_model

TEXTS = [
    f"Number {n}: the {'very ' * (n % 23)}long film about the river {n * n} was good, or bad." for n in range(2600)
]


def record_here(model: Model, workspace: Path) -> Store:
    os.environ["CONCEPTSCOPE_HOME"] = str(workspace)
    return record_texts(model, TEXTS, [model.site(0), model.site(1)], pool="none")[0]


def contents(workspace: Path) -> dict[str, bytes]:
    folder = workspace / "activations"
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def finished(workspace: Path) -> tuple[int, int]:
    """Shards entered in the manifests of all stores, and how many there will be."""
    done = expected = 0
    for path in (workspace / "activations").glob("*/manifest.json"):
        manifest = json.loads(path.read_text())
        done += len(manifest["shards"])
        expected += -(-manifest["recipe"]["n_texts"] // manifest["recipe"]["shard_texts"])
    return done, expected


def in_child(model: Model, workspace: Path) -> int:
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)
        record_here(model, workspace)
        os._exit(0)
    return child


def main(directory: Path, spec: str, kills: int) -> dict[str, object]:
    torch.set_num_threads(1)
    shuffled = random.Random(0)
    os.environ["CONCEPTSCOPE_HOME"] = str(directory / "models")
    model = open_model(spec)
    began = time.monotonic()
    os.waitpid(in_child(model, directory / "undisturbed"), 0)
    length = time.monotonic() - began
    expected = contents(directory / "undisturbed")
    between, wrong = 0, []
    for number in range(kills):
        workspace = directory / f"killed-{number}"
        child = in_child(model, workspace)
        time.sleep(shuffled.uniform(0, 0.95 * length))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        done, planned = finished(workspace)
        between += 0 < done < planned
        os.waitpid(in_child(model, workspace), 0)
        if contents(workspace) != expected or list((workspace / "parts").iterdir()):
            wrong.append(number)
    return {"kills": kills, "between": between, "wrong": wrong, "files": len(expected)}


if __name__ == "__main__":
    arguments = [*sys.argv[1:], *["smollm2", "30"][len(sys.argv) - 2 :]]
    print(json.dumps(main(Path(arguments[0]), arguments[1], int(arguments[2]))))
