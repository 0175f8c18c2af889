"""`concept` and `report` on a tiny model."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from core.models import open_model
from tests.commands import fails, run
from tests.concepts import OPTIONS, measure_norms, save_moods
from tests.house import ROOT
from tests.tiny import tiny_directory


@pytest.fixture
def asked(home: Path, tmp_path: Path, prepared_home: Path) -> list[str]:
    directory = str(tiny_directory(tmp_path, "llama"))
    save_moods()
    measure_norms(open_model(directory), prepared_home)
    return [directory, "--examples", "moods", *OPTIONS]


def test_a_plan_then_a_concept_then_its_report(
    asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = run(capsys, "concept", *asked, "--plan")
    assert {one["view"] for one in plan["missing"]} == {"readable", "used", "pushed", "related", "stable"}
    assert plan["seconds"] > sum(one["seconds"] for one in plan["missing"])
    found = run(capsys, "concept", *asked)
    assert {name: view["state"] for name, view in found["views"].items() if view["state"] != "there"} == {
        "carried": "not here"
    }
    assert run(capsys, "concept", *asked, "--plan") == {
        "missing": [],
        "seconds": 0.0,
        "views": {name: view["state"] for name, view in found["views"].items()},
    }
    out = tmp_path / "moods.html"
    written = run(capsys, "report", *asked, "--out", str(out))
    assert written["path"] == str(out)
    assert written["data"]["views"]["readable"]["data"]["results"] == found["views"]["readable"]["data"]["results"]
    assert out.read_text("utf-8").startswith("<!doctype html>")
    # The line that it says makes the same report anew.
    words = shlex.split(written["data"]["command"])
    assert words[:4] == ["python", "-m", "core", "report"]
    again = run(capsys, *words[3:-1], str(tmp_path / "again.html"))
    for name, view in again["data"]["views"].items():
        before = written["data"]["views"][name]["data"]
        assert json.dumps(_timeless(view["data"])) == json.dumps(_timeless(before)), name
    assert "name another file" in fails(capsys, "report", *asked, "--out", str(out))
    assert run(capsys, "report", *asked, "--out", str(out), "--replace")["path"] == str(out)


def test_slips_are_told_in_one_line(asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no folder" in fails(capsys, "report", *asked, "--out", str(tmp_path / "none" / "x.html"))
    assert "has no layer 99" in fails(capsys, "concept", *asked, "--layer", "99")
    assert "nowhere" in fails(capsys, "concept", asked[0], "--examples", "nowhere")


def _timeless(data: dict | None) -> dict | None:
    return None if data is None else {name: value for name, value in data.items() if name not in ("seconds", "cached")}


@pytest.mark.slow
def test_the_lines_in_the_docs_run(asked: list[str]) -> None:
    """The block of docs/concept.md, on a tiny model, a small set and small sizes."""
    text = (ROOT / "docs" / "concept.md").read_text("utf-8")
    (block,) = re.findall(r"```py\n(.*?)```", text, re.DOTALL)
    small = {
        '"smollm2"': repr(asked[0]),
        '"sae-probes/92_glue_sst2"': '"moods"',
        'target="good,great|bad,terrible"': "target=SPEC, layer=LAYER, sizes=SMALL",
    }
    for ours, theirs in small.items():
        assert ours in block
        block = block.replace(ours, theirs)
    lines = f"from tests.concepts import LAYER, SMALL, SPEC\n{block}\nprint(len(html))"
    ran = subprocess.run([sys.executable, "-c", lines], cwd=ROOT, capture_output=True, text=True, check=True)
    states, *sentences, size = ran.stdout.splitlines()
    assert "'readable': 'missing'" in states
    assert sentences
    assert int(size) > 1_000_000
