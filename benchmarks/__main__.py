"""All benchmarks, one after the other, each in a process of its own. `--json` prints one JSON object a line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ALL = ("record", "steer", "memory")


def main() -> int:
    root = Path(__file__).resolve().parent.parent
    worst = 0
    for name in ALL:
        print(f"== {name}", file=sys.stderr, flush=True)
        worst = max(
            worst, subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *sys.argv[1:]], cwd=root).returncode
        )
    return worst


if __name__ == "__main__":
    sys.exit(main())
