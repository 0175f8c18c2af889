"""What one batch of images frees, the next one takes again, instead of asking the system for it anew."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

_TRIM, _MAP = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h
_LARGEST_KEPT = 256 << 20  # bytes of one tensor; an early layer of eight images has 40 MB
_KEPT = 512 << 20  # bytes in all


@cache
def keep_freed_memory() -> bool:
    """Let this process keep up to 512 MB that it has freed; True if its C library can be told so (glibc).

    By default glibc hands every block above 32 MB back at once, and the system clears each of its pages anew for the
    next batch: of an image network that was 2 of 7.5 seconds.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        tell = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library
        return False
    return bool(tell(_MAP, _LARGEST_KEPT)) and bool(tell(_TRIM, _KEPT))
