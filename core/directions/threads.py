"""Small matrix products on one thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

_lock = threading.Lock()
_inside = 0
_limits: threadpool_limits | None = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep NumPy's and SciPy's matrix products on one thread; PyTorch's own are left alone.

    An iteration of L-BFGS is a product of a millisecond. Spread over threads each waits, spinning, for the slowest;
    where another program has a core, that was seen to take 26 times as long (71 s against 2.7 s for one layer).

    The limit holds for the whole process. Sessions count themselves in and out, so that the last one out restores
    what the first one found, in whatever order they end.
    """
    global _inside, _limits
    with _lock:
        _inside += 1
        if _inside == 1:
            _limits = threadpool_limits(1, user_api="blas")
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0 and _limits is not None:
                _limits.restore_original_limits()
                _limits = None
