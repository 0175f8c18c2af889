"""A recording that is killed at any moment loses nothing that was finished, and resumes to the same bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import tiny_directory


@pytest.mark.slow
def test_thirty_kills(home: Path, tmp_path: Path) -> None:
    model = tiny_directory(tmp_path, "llama")
    command = [sys.executable, "-m", "tests.killed_recording", str(tmp_path / "work"), str(model), "30"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert found["kills"] == 30
    assert found["between"] >= 20
    assert found["files"] > 4
