"""Imported by the app's process before it starts, for `benchmarks.soak`: writes every two seconds how large it is.

Hooks are told by counting torch's handles: one is made for each hook, and a hook is there until its handle is removed.
"""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import psutil
from torch.utils.hooks import RemovableHandle

live: set[int] = set()
_make, _remove = RemovableHandle.__init__, RemovableHandle.remove


def made(handle: RemovableHandle, *given: Any, **named: Any) -> None:
    _make(handle, *given, **named)
    live.add(handle.id)


def removed(handle: RemovableHandle) -> None:
    _remove(handle)
    live.discard(handle.id)


def watch(path: Path) -> None:
    process = psutil.Process()
    while True:
        memory = process.memory_info()
        line = {
            "at": time.monotonic(),
            "own_mb": (memory.rss - memory.shared) / 2**20,
            "hooks": len(live),
            "threads": process.num_threads(),
            "files": process.num_fds(),
            "sessions": sessions(),
        }
        with path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        time.sleep(2)


def sessions() -> int:
    """Visitors whom the server remembers."""
    from streamlit import runtime

    return len(runtime.get_instance()._session_mgr.list_sessions()) if runtime.exists() else 0


RemovableHandle.__init__ = made  # type: ignore[method-assign, assignment]
RemovableHandle.remove = removed  # type: ignore[method-assign, assignment]
threading.Thread(target=watch, args=(Path(os.environ["CONCEPTSCOPE_SOAK"]),), daemon=True).start()
