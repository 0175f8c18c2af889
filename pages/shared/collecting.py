"""What stays is left out of garbage collection, so that it does not hold up whoever presses something next.

Streamlit collects after every run of a page, and the browser waits for it. With torch and its kin loaded there are
nearly a million objects to look through, and a dictionary of 65,536 features brings half a million more, none of which
is garbage: a third of a second and more in which no thread can move, also not the next run.
"""

from __future__ import annotations

import gc
import sys
from typing import TypeVar

T = TypeVar("T")

MODULES = 100  # as many new ones are worth a look at everything
_known = 0


def spare_libraries() -> bool:
    """Take what is alive out of later collections if libraries were loaded since the last time. Whether it was done."""
    global _known
    if len(sys.modules) < _known + MODULES:
        return False
    _known = len(sys.modules)
    gc.collect()  # what is garbage now would stay for ever
    gc.freeze()
    return True


def spared(made: T) -> T:
    """`made`, which is kept in memory: with all that is alive now it is taken out of later collections."""
    gc.freeze()
    return made


def free(_: object) -> None:
    """After something that was kept was let go: what only a collection can free goes now.

    Sessions that still use it keep it.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
