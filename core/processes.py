"""Whether the very process that is meant still runs: its number alone may have been given to another."""

from __future__ import annotations

from pathlib import Path

import psutil


def born(pid: int) -> str:
    """When the process began, in a form that stays the same for as long as it lives; '' if there is none.

    Linux counts from the start of the machine. The time of day, which others tell, is moved when the clock is set.
    """
    try:
        if Path("/proc/self/stat").exists():
            # The second field is the program's name in brackets, which may hold anything, half a letter too.
            ticks = int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19])
            return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}:{ticks}"
        return str(psutil.Process(pid).create_time())
    except (OSError, psutil.NoSuchProcess):
        return ""


def lives(pid: int, when: object) -> bool:
    """Whether the process of that number that was `born` then is there, and not just waiting to be reaped."""
    try:
        return bool(pid) and bool(when) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE and when == born(pid)
    except psutil.NoSuchProcess:
        return False
