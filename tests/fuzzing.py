"""What strangers may hand to the program, and how it is damaged: whatever comes out has to be an answer or a sentence.

A kind of input has seeds, which are sound, and a function that reads it as the program does. `python -m tests.fuzzing`
damages each kind a thousand times and prints a table.
"""

from __future__ import annotations

import argparse
import json
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from core.errors import UserError

SLOWEST = 10.0  # seconds
# Where readers trip: ends of ranges, markup, turned-round text, depth, names that climb, nothing at all.
ODD_BYTES = (
    *(
        b"\x00",
        b"\xff" * 8,
        b"\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"-1",
        b"0",
        b"9" * 30,
        b"NaN",
        b"1e999",
        b"-Infinity",
    ),
    *(
        b'"',
        b"{",
        b"[" * 2000,
        b"}",
        b"\\",
        b"\\ud800",
        b"\r",
        b"\n\n",
        b",",
        b"\t",
        b"'",
        b"../../../x",
        b"/etc/passwd",
    ),
    *(
        b"<script>alert(1)</script>",
        "\u202e\u200b\ufeff".encode(),
        "Z\u0351\u036b".encode() * 40,
        b"=1+1",
        b"%s%n",
        b"{word}",
    ),
)
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63), 10**30, 0.5, -0.0, 1e308, float("nan"), float("inf")),
    *("", " ", "0", "nan", "..", "../../x", "/etc/passwd", "a" * 5000, "\u202e", "\x00", "<b>", "llama", "\ud800"),
    *([], {}, [[]], [None], {"": None}, [1] * 300, {"a": {"a": {"a": {}}}}),
)


@dataclass(frozen=True)
class Kind:
    """seeds: sound inputs. read: takes one and an empty folder, and raises nothing but UserError. json: whether values
    are exchanged too, where the input is JSON."""

    name: str
    seeds: tuple[bytes, ...]
    read: Callable[[bytes, Path], object]
    json: bool = False


@st.composite
def damaged(draw: st.DrawFn, kind: Kind) -> bytes:
    """A seed with one to four things wrong."""
    data = draw(st.sampled_from(kind.seeds))
    if kind.json and draw(st.booleans()):
        value = json.loads(data)
        for _ in range(draw(st.integers(1, 3))):
            value = _exchanged(draw, value)
        return json.dumps(value).encode("utf-8", errors="surrogatepass")
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        until = min(len(data), place + draw(st.integers(1, 40)))
        how = draw(st.sampled_from(("flip", "cut", "drop", "put", "twice", "over")))
        if how == "flip" and place < len(data):
            data = data[:place] + bytes([data[place] ^ (1 << draw(st.integers(0, 7)))]) + data[place + 1 :]
        elif how == "cut":
            data = data[:place]
        elif how == "drop":
            data = data[:place] + data[until:]
        elif how == "twice":
            data = data[:until] + data[place:]
        else:
            odd = draw(st.sampled_from(ODD_BYTES))
            data = data[:place] + odd + data[place + (len(odd) if how == "over" else 0) :]
    return data


def _exchanged(draw: st.DrawFn, value: Any) -> Any:
    """The JSON value with one value in it put in another's place, taken out, or named otherwise."""
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(ODD_VALUES))
    keys = sorted(value) if isinstance(value, dict) else list(range(len(value)))
    key = draw(st.sampled_from(keys))
    changed = dict(value) if isinstance(value, dict) else list(value)
    how = draw(st.sampled_from(("within", "within", "within", "out", "name")))
    if how == "out":
        del changed[key]
    elif how == "name" and isinstance(changed, dict):
        changed[draw(st.sampled_from(("", "x", key + " ", key.upper(), "__class__")))] = changed.pop(key)
    else:
        changed[key] = _exchanged(draw, value[key])
    return changed


def outcome(kind: Kind, data: bytes, folder: Path) -> str:
    """ "answer" or "sentence". AssertionError for a hang, a file outside `folder`, or a sentence that is none; whatever
    else the reader raises goes through."""
    around = _listing(folder.parent, without=folder)
    start = time.monotonic()
    try:
        kind.read(data, folder)
        found = "answer"
    except UserError as error:
        told = str(error)
        assert told.strip(), f"{kind.name} says nothing"
        assert len(told) < 2000, told[:200]
        assert "Traceback" not in told, told[:200]
        found = "sentence"
    assert time.monotonic() - start < SLOWEST, f"{kind.name} took {time.monotonic() - start:.0f} s"
    assert _listing(folder.parent, without=folder) == around, f"{kind.name} wrote outside its folder"
    return found


def _listing(folder: Path, without: Path) -> list[str]:
    return sorted(str(path) for path in folder.iterdir() if path != without)


def run(kind: Kind, examples: int, new_folder: Callable[[], Path]) -> Counter[str]:
    """Damage the kind that often, always in the same ways; how many ended in an answer, how many in a sentence."""
    counts: Counter[str] = Counter()
    for sound in kind.seeds:  # a command that computes does so once; what is asked after it is there
        with suppress(UserError):
            kind.read(sound, new_folder())

    @seed(0)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,  # `outcome` has its own
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(damaged(kind))
    def once(data: bytes) -> None:
        counts[outcome(kind, data, new_folder())] += 1

    once()
    return counts


def main() -> None:
    import os
    import tempfile

    from core.models import open_model
    from tests.fuzzed import kinds

    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--examples", type=int, default=1000, help="of each kind (default 1000)")
    options.add_argument("--only", default="", help="kinds whose name holds this")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        os.environ["CONCEPTSCOPE_HOME"] = str(place / "home")
        made = place / "made"
        made.mkdir()
        open_model("smollm2")  # else the first address without a model has it converted, as a first visit does
        number = iter(range(10**9))

        def new_folder() -> Path:
            own = place / "inputs" / str(next(number)) / "own"
            own.mkdir(parents=True)
            return own

        for kind in kinds(made):
            if chosen.only in kind.name:
                start = time.monotonic()
                try:
                    counts = run(kind, chosen.examples, new_folder)
                except Exception:  # noqa: BLE001  # whatever a reader raises is what is looked for
                    print(f"{kind.name}: broken", flush=True)
                    traceback.print_exc()
                    continue
                seconds = time.monotonic() - start
                print(
                    f"{kind.name}: {counts['answer']} answers, {counts['sentence']} sentences, {seconds:.0f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
