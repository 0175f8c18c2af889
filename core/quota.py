"""How much of a server's disk each of its users may fill; on one's own machine there is no such bound.

What lies in a user's space counts, computed or saved, and nothing of the shared library. It is measured by walking
through the space, at most every SECONDS of a process; what the process has written since is added.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from pathlib import Path

from core import spaces
from core.errors import UserError

VARIABLE = "CONCEPTSCOPE_QUOTA_MB"
DEFAULT = 2_000  # megabytes
SECONDS = 10.0
# A full space still takes what tells of itself: how a job ended, a name that was changed.
SMALL, MARGIN = 64 << 10, 20_000_000  # bytes
COMPUTED = ("activations", "results")  # folders of what is computed again when it is asked for

_lock = threading.Lock()
_measured: dict[Path, tuple[float, int]] = {}  # when, and how many bytes


def limit() -> int:
    """Bytes that a user may fill. Raises UserError for a setting that is no number."""
    told = os.environ.get(VARIABLE, "").strip()
    if not told:
        return DEFAULT * 1_000_000
    if not told.isascii() or not told.isdigit() or not int(told):
        raise UserError(f"{VARIABLE} is {told[:20]!r}; it has to be a number of megabytes above 0.")
    return int(told) * 1_000_000


def used(space: Path) -> int:
    """Bytes in the folder of a space."""
    with _lock:
        when, there = _measured.get(space, (0.0, 0))
        if when and time.monotonic() - when <= SECONDS:
            return there
    # What is being written was asked for already; it is counted once it lies where it belongs. Nobody else waits for
    # the walk through a large space.
    there = bytes_below(space, but=spaces.PARTS)
    with _lock:
        _measured[space] = time.monotonic(), there
    return there


def require_room(space: Path, size: int) -> None:
    """Before `size` bytes are written into the space of a user. Raises UserError if that is too much."""
    if not spaces.space():
        return
    allowed, there = limit(), used(space)
    if there + size > allowed + (MARGIN if size <= SMALL else 0):
        raise UserError(
            f"Your space is full: {there / 1e6:,.0f} of {allowed / 1e6:,.0f} MB are used and this takes "
            f"{size / 1e6:,.1f} MB more; free some on the Jobs page, or delete what you have saved."
        )
    with _lock:
        when, before = _measured.get(space, (0.0, 0))
        _measured[space] = when, before + size


def forget_computed(space: Path) -> int:
    """Delete what can be computed again from a space; returns the bytes that it took."""
    before = bytes_below(space)
    for name in COMPUTED:
        shutil.rmtree(space / name, ignore_errors=True)
    with _lock:
        _measured.pop(space, None)
    return before - bytes_below(space)


def bytes_below(folder: Path, *, but: str = "") -> int:
    """Bytes of all files in `folder` and the folders in it; links are not followed. 0 where there is none.

    but: name of a folder in it that does not count.
    """
    total = 0
    for place, folders, names in os.walk(folder):
        if place == str(folder) and but in folders:
            folders.remove(but)
        for name in names:
            with contextlib.suppress(OSError):  # it may go just now
                total += (Path(place) / name).lstat().st_size
    return total
