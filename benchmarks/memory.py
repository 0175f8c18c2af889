"""Peak memory of recording a million tokens against that of a hundred thousand: it must not grow with the corpus.

Each recording is a fresh process. After block 0, since depth costs time but no memory: a batch flows through the blocks
one by one. Both pools are measured, as an unpooled store is six hundred times larger than a pooled one.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from itertools import accumulate
from pathlib import Path

from benchmarks.harness import Comparison, parser, report, tell
from core.activations import POOLS, Pool

SMALL, LARGE = 100_000, 1_000_000  # tokens
LAYER = 0


def measure(rounds: int, small: int, large: int) -> list[Comparison]:
    """Peak MB of the large recording (ours) against that of the small one (peer), for each pool."""
    with tempfile.TemporaryDirectory(prefix="conceptscope-bench-") as directory:
        files = _write_corpora(Path(directory), [small, large])
        found = []
        for pool in ("mean", "none"):  # the last token is kept as the mean is
            peaks: list[list[float]] = [[], []]
            for _ in range(rounds):
                for of_size, file in zip(peaks, files, strict=True):
                    of_size.append(_in_fresh_process(file, pool))
            ratios = tuple(b / a for a, b in zip(*peaks, strict=True))
            name = f"memory-{large}-vs-{small}-tokens-{pool}"
            found.append(Comparison(name, max(peaks[1]), max(peaks[0]), max(ratios), "MB", ratios))
    return found


def _write_corpora(directory: Path, sizes: list[int]) -> list[Path]:
    """One JSON list of texts per size, the smaller a beginning of the larger."""
    from benchmarks.record import MAX_LENGTH
    from benchmarks.texts import mixed_texts
    from core.models import open_model, tokenize

    texts = mixed_texts(max(sizes) // 20)
    totals = list(accumulate(len(ids) for ids in tokenize(open_model("smollm2"), texts, MAX_LENGTH)))
    if totals[-1] < max(sizes):
        raise AssertionError(f"the texts come to {totals[-1]} tokens only")
    files = []
    for size in sizes:
        path = directory / f"{size}.json"
        path.write_text(json.dumps(texts[: sum(total < size for total in totals) + 1]))
        files.append(path)
    return files


def _in_fresh_process(file: Path, pool: str) -> float:
    command = [sys.executable, "-m", "benchmarks.memory", "--record", str(file), "--pool", pool]
    root = Path(__file__).resolve().parent.parent
    answer = json.loads(subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE).stdout)
    tell(f"pool {pool}: {answer['tokens']:,} tokens, peak {answer['peak_mb']:,.0f} MB")
    return float(answer["peak_mb"])


def _record(file: Path, pool: Pool) -> None:
    """What runs in the fresh process."""
    from benchmarks.record import recorder
    from core.models import open_model

    texts = json.loads(file.read_text())
    tokens = recorder(open_model("smollm2"), texts, LAYER, pool)()
    print(json.dumps({"tokens": tokens, "peak_mb": peak_mb()}))


def peak_mb() -> float:
    """Largest resident size of this process so far, in MB.

    From the kernel's VmHWM where there is one: `ru_maxrss` of a process that was just started still counts the
    memory of the one that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main() -> None:
    options = parser(__doc__ or "", rounds=1)
    options.add_argument("--small", type=int, default=SMALL, help=f"tokens (default {SMALL})")
    options.add_argument("--large", type=int, default=LARGE, help=f"tokens (default {LARGE})")
    options.add_argument("--record", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--pool", choices=POOLS, default="mean", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.record:
        _record(chosen.record, chosen.pool)
    else:
        report(measure(chosen.rounds, chosen.small, chosen.large), chosen.json)


if __name__ == "__main__":
    main()
