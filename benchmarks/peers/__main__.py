"""All comparisons with other libraries, one after the other. `--json` prints one JSON object a line."""

from __future__ import annotations

import sys

from benchmarks.__main__ import run_all

if __name__ == "__main__":
    sys.exit(run_all("benchmarks.peers", ("record_peers", "generate_peers")))
