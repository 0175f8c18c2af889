"""Kill long work with SIGKILL at random moments, do it again, and compare with undisturbed work, byte for byte.

    python -m tests.killed DIRECTORY [MODEL [KILLS [WORK,WORK]]]

KILLS of each work (`tests.killed_work`), each in a fresh workspace under DIRECTORY; prints one JSON object by work:

    kills: how many there were. between: how many of them came when something was finished, and not all. wrong: which
    ended otherwise than undisturbed work. redone: which wrote something anew that was finished. kept: units that were
    there when the work began again, over all.

A program of its own, since it forks: each child is the whole of a job but for the imports, which would take most of
the time.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from core import workspace
from core.models import Model, open_model
from tests.killed_work import WORKS, Work

# Times of day, how long something took, and checksums of what holds such.
DATED = {"created", "seconds", "at", "check", "card.json"}


def main(directory: Path, spec: str, kills: int, names: list[str]) -> dict[str, Any]:
    torch.set_num_threads(1)
    os.environ["CONCEPTSCOPE_HOME"] = str(directory / "models")
    model = open_model(spec)
    return {name: kill(WORKS[name], model, directory / name, kills) for name in names}


def kill(work: Work, model: Model, directory: Path, kills: int) -> dict[str, Any]:
    """One work's line of the table."""
    chance = random.Random(0)
    began = time.monotonic()
    finish(work, model, directory / "undisturbed")
    length = time.monotonic() - began
    expected, total = contents(directory / "undisturbed", work), finish(work, model, directory / "undisturbed")
    between, kept, wrong, redone = 0, 0, [], []
    for number in range(kills):
        folder = directory / f"killed-{number}"
        child = start(work, model, folder)
        time.sleep(chance.uniform(0, 0.95 * length))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        there = contents(folder, work)
        finished = {
            name: stamp(folder / name)
            for name, data in there.items()
            if data == expected.get(name) and entered(folder / name)
        }
        before = finish(work, model, folder)
        kept, between = kept + before, between + (0 < before < total)
        if contents(folder, work) != expected or list(folder.rglob("*.part")):
            wrong.append(number)
        if any(stamp(folder / name) != before for name, before in finished.items()):
            redone.append(number)
        if number not in wrong:
            shutil.rmtree(folder)
    return {
        "kills": kills,
        "between": between,
        "wrong": wrong,
        "redone": redone,
        "kept": kept,
        "files": len(expected),
        "seconds": round(length, 1),
    }


def start(work: Work, model: Model, folder: Path, told: Callable[[int], None] = lambda _: None) -> int:
    """Do it in a child; its process id."""
    (folder / "outside").mkdir(parents=True, exist_ok=True)
    child = os.fork()
    if child:
        return child
    try:
        torch.set_num_threads(1)
        os.environ["CONCEPTSCOPE_HOME"] = str(folder / "home")
        told(work.run(model, folder / "outside"))
    except BaseException:  # noqa: BLE001 (a fork must never go on as its parent)
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def finish(work: Work, model: Model, folder: Path) -> int:
    """Do it to its end; how much of it was there."""
    reading, writing = os.pipe()

    def tell(before: int) -> None:
        os.write(writing, str(before).encode())

    child = start(work, model, folder, tell)
    os.close(writing)
    said = os.read(reading, 64)
    os.close(reading)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise AssertionError(f"the work in {folder} did not come to its end")
    return int(said)


def contents(folder: Path, work: Work) -> dict[str, bytes]:
    """Every file's bytes by its path, without those that are being written and without times."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not path.name.startswith(work.changing) and not any(".part" in one for one in name.parts):
            found[str(name)] = undated(path)
    return found


def entered(path: Path) -> bool:
    """Whether the manifest beside it, if there is one, tells of it: until then nobody knows what it has to be."""
    manifest = path.parent / "manifest.json"
    return not manifest.is_file() or path.name == manifest.name or path.name in manifest.read_text()


def undated(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix != ".json":
        return data
    assert workspace.json_value(data) is not None, f"{path} is damaged"
    return json.dumps(_without(json.loads(data))).encode()


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(one) for key, one in value.items() if key not in DATED}
    return [_without(one) for one in value] if isinstance(value, list) else value


def stamp(path: Path) -> tuple[int, int]:
    """Changes when the file is written anew."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


if __name__ == "__main__":
    arguments = [*sys.argv[1:], *["smollm2", "20", ",".join(WORKS)][len(sys.argv) - 2 :]]
    print(json.dumps(main(Path(arguments[0]), arguments[1], int(arguments[2]), arguments[3].split(","))))
