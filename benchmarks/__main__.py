"""All benchmarks, one after the other, each in a process of its own. `--json` prints one JSON object a line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def run_all(package: str, names: Sequence[str]) -> int:
    """Run the modules with this program's own arguments; returns 0 if all succeeded."""
    root = Path(__file__).resolve().parent.parent
    worst = 0
    for name in names:
        print(f"== {name}", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", f"{package}.{name}", *sys.argv[1:]]
        worst = max(worst, abs(subprocess.run(command, cwd=root).returncode))
    return worst


if __name__ == "__main__":
    pages = ("page_probing", "page_features", "page_steering", "page_reactions")
    steering = ("steer", "steering_sessions")
    sys.exit(run_all("benchmarks", ("record", *steering, "probe", *pages, "sae_train", "sae_index", "memory")))
