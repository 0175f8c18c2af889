"""Work that is killed at any moment loses nothing that was finished, and comes to the same end when done again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import tiny_directory

# How many kills, and the least that have to fall between the first finished piece and the last.
KILLS = {"record": (30, 20), "train": (20, 10), "index": (15, 8), "scan": (15, 8), "export": (20, 2)}


@pytest.mark.slow
@pytest.mark.parametrize("work", KILLS)
def test_a_hundred_kills(work: str, home: Path, tmp_path: Path) -> None:
    kills, least = KILLS[work]
    model = tiny_directory(tmp_path, "llama")
    command = [sys.executable, "-m", "tests.killed", str(tmp_path / "work"), str(model), str(kills), work]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)[work]
    assert found["wrong"] == []
    assert found["redone"] == []
    assert found["kills"] == kills
    assert found["between"] >= least
