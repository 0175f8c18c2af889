"""A command line for tests of jobs: does what its first argument says, reporting progress like the real one."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

from core.job_process import listener
from core.progress import Progress


def main(arguments: list[str]) -> int:
    assert arguments.pop() == "--json"
    act, *rest = arguments
    if act == "count":  # count N SECONDS FILE: notes every step in FILE and goes on where it ended
        steps, seconds, path = int(rest[0]), float(rest[1]), Path(rest[2])
        done = len(path.read_text().splitlines()) if path.exists() else 0
        report = listener()
        for step in range(done, steps):
            with path.open("a") as file:
                file.write(f"{step} {os.getpid()}\n")
            report(Progress(step + 1, steps, "steps", "counting"))
            time.sleep(seconds)
        print(json.dumps({"steps": steps}))
    elif act == "mistake":
        print("warning: something else", file=sys.stderr)
        print("error: 'x' is no model; use 'smollm2'.", file=sys.stderr)
        return 2
    elif act == "crash":
        raise RuntimeError("boom")
    elif act == "mute":
        print("not JSON")
    elif act == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        Path(rest[0]).write_text("ready")
        time.sleep(60)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
