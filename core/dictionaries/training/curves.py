"""How a training run goes: a line of JSON every few steps, and the same for TensorBoard."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core import workspace
from core.dictionaries.training import tfevents
from core.dictionaries.training.trainer import Step

LINES = "curves.jsonl"
EVENTS = "events.out.tfevents.conceptscope"
EVERY = 20  # steps that are averaged into a line


class Curves:
    """Appends to `curves.jsonl` and a TensorBoard file in each of some folders.

    A line: tokens learnt from so far, and means over the last 20 steps of loss, explained variance, l0, dead, rate;
    rate_of_work: tokens per second; held_out: explained variance of the inference form on held-out tokens, where it
    was measured.
    """

    def __init__(self, folders: Sequence[Path], tokens: int) -> None:
        """folders: none where another process writes. tokens: where a resumed run goes on; lines from beyond, of a run
        that was cut off, are taken out."""
        self.folders, self.waiting = list(folders), list[Step]()
        self.began, self.before = time.monotonic(), tokens
        kept = [line for line in read_curves(self.folders[0]) if line["tokens"] <= tokens] if self.folders else []
        for folder in self.folders:
            lines = "".join(json.dumps(line) + "\n" for line in kept)
            workspace.write_bytes(folder / LINES, lines.encode())
            events = [tfevents.first_record(time.time()), *(_event(line) for line in kept)]
            workspace.write_bytes(folder / EVENTS, b"".join(events))

    def add(self, step: Step) -> None:
        self.waiting.append(step)
        if len(self.waiting) >= EVERY:
            self.flush()

    def flush(self, held_out: float | None = None) -> None:
        """Write what was added since the last line."""
        if not self.waiting:
            return
        now, last, n = time.monotonic(), self.waiting[-1], len(self.waiting)
        names = ("loss", "explained", "l0", "dead", "rate")
        line: dict[str, Any] = {
            "tokens": last.tokens,
            **{name: sum(getattr(step, name) for step in self.waiting) / n for name in names},
            "rate_of_work": (last.tokens - self.before) / max(now - self.began, 1e-9),
            "at": time.time(),
        }
        if held_out is not None:
            line["held_out"] = held_out
        line = {key: value for key, value in line.items() if math.isfinite(value)}
        for folder in self.folders:
            with (folder / LINES).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            with (folder / EVENTS).open("ab") as events:
                events.write(_event(line))
        self.waiting.clear()
        self.began, self.before = now, last.tokens


def read_curves(folder: Path) -> list[dict[str, Any]]:
    """The lines in a folder, oldest first; none if there are none. A line that is being written is left out."""
    path = folder / LINES
    if not path.is_file():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue  # the last line, half written
        if isinstance(value, dict) and isinstance(value.get("tokens"), int):
            found.append(value)
    return found


def _event(line: dict[str, Any]) -> bytes:
    values = {name: float(value) for name, value in line.items() if name not in ("tokens", "at")}
    return tfevents.scalars(float(line.get("at", 0.0)), line["tokens"], values)
