"""Libraries are left out of garbage collection, so that it does not hold up whoever presses something next.

Streamlit collects after every run of a page. With torch and its kin loaded there are over a million objects to look
through, none of which is ever garbage: a third of a second in which no thread can move, also not the next run.
"""

from __future__ import annotations

import gc
import sys

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
