"""Progress and tables for a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TextIO

from core.progress import Listener, Progress


def console(stream: TextIO = sys.stderr) -> Listener:
    """A listener that keeps one line up to date on a terminal, and writes a line now and then elsewhere."""
    began: dict[str, tuple[float, int]] = {}
    shown = [0.0]

    def show(progress: Progress) -> None:
        now = time.monotonic()
        started, first = began.setdefault(progress.note, (now, progress.done))
        over = progress.total > 0 and progress.done >= progress.total
        if not over and now - shown[0] < (0.2 if stream.isatty() else 10.0):
            return
        shown[0] = now
        line = f"{progress.note}: {progress.done}/{progress.total} {progress.unit}"
        if progress.done > first and not over:
            left = (now - started) / (progress.done - first) * (progress.total - progress.done)
            line += f", {left:.0f} s left"
        if stream.isatty():
            stream.write(f"\r\033[K{line}" + ("\n" if over else ""))
        else:
            stream.write(line + "\n")
        stream.flush()

    return show


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns under their headings; numbers to the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(line[column]) for line in [list(header), *cells]) for column in range(len(header))]
    numeric = [all(isinstance(row[column], int | float) for row in rows) for column in range(len(header))]

    def line(values: Sequence[str]) -> str:
        padded = (v.rjust(w) if n else v.ljust(w) for v, w, n in zip(values, widths, numeric, strict=True))
        return "  ".join(padded).rstrip()

    return "\n".join([line(list(header)), *(line(row) for row in cells)])


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    return "-" if value is None else str(value)
