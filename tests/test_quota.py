"""Quotas of a server's users: a full space says so and keeps what it has, and jobs take turns fairly."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core import job_turns, jobs, quota, workspace
from core.activations.results import write_result
from core.dictionaries import Card, Dictionary, save_dictionary
from core.directions import list_directions, save_direction
from core.errors import UserError
from core.job_turns import Ticket, in_order, turn
from core.progress import Progress
from core.spaces import within
from core.whole_folders import whole_folder
from tests.dictionaries import small_sae
from tests.made_directions import direction


@pytest.fixture(autouse=True)
def measured_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "_measured", {})


def test_a_full_space_takes_no_more_and_keeps_what_it_has(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(quota.VARIABLE, "1")
    with within("anna-1"):
        path = workspace.place("results", "x.bin")
        workspace.write_bytes(path, b"a" * 600_000)
        with pytest.raises(UserError, match="Your space is full: 1 of 1 MB"):
            workspace.write_bytes(workspace.place("results", "y.bin"), b"b" * 600_000)
        assert path.read_bytes() == b"a" * 600_000
        assert not workspace.place("results", "y.bin").exists()
        save_direction(direction("small"))  # what tells of itself still fits
    with within("bert-1"):
        workspace.write_bytes(workspace.place("results", "y.bin"), b"b" * 600_000)
    workspace.write_bytes(workspace.place("results", "z.bin"), b"b" * 3_000_000)


def test_folders_are_held_to_it_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(quota.VARIABLE, "1")
    monkeypatch.setattr(quota, "MARGIN", 0)
    with within("anna-1"):
        sae = Dictionary("x", small_sae("topk", d_in=16, d_out=16, d_sae=2048), Card())
        for number in range(3):
            save_dictionary(sae, f"number-{number}")
        with pytest.raises(UserError, match="is full"):
            save_dictionary(sae, "more")
        with pytest.raises(UserError, match="is full"), whole_folder(workspace.place("exports", "x")) as fresh:
            (fresh / "weights").write_bytes(b"a" * 600_000)
        assert not workspace.place("exports", "x").exists()
        assert quota.bytes_below(workspace.home()) < 1_000_000


def test_small_things_end_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(quota.VARIABLE, "1")
    monkeypatch.setattr(quota, "MARGIN", 100_000)
    with within("anna-1"):
        for number in range(18):
            workspace.write_bytes(workspace.place("results", f"{number}.bin"), b"a" * 60_000)
        with pytest.raises(UserError, match="is full"):
            workspace.write_bytes(workspace.place("results", "more.bin"), b"a" * 60_000)


def test_what_can_be_computed_again_is_freed_and_what_was_saved_stays(home: Path) -> None:
    write_result("ab" * 12, {"of": "the library"})
    with within("anna-1"):
        write_result("cd" * 12, {"text": "x" * 10_000})
        save_direction(direction("kept"))
        before = quota.bytes_below(workspace.home())
        freed = quota.forget_computed(workspace.home())
        assert 10_000 < freed < before
        assert quota.used(workspace.home()) == before - freed
        assert [one.name for one in list_directions()] == ["kept"]
    assert (home / "results" / f"{'ab' * 12}.json").is_file()


@pytest.mark.parametrize("told", ["0", "-1", "many", "1e3", "\u0663"])
def test_a_setting_that_is_no_number_is_said(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, ask in ((quota.VARIABLE, quota.limit), (job_turns.EACH, lambda: job_turns.setting(job_turns.EACH))):
        monkeypatch.setenv(name, told)
        with pytest.raises(UserError, match="has to be a number"):
            ask()


def ticket(number: int, space: str, *, running: bool = False) -> Ticket:
    return Ticket(f"{number:020d}-1.json", space, 1, 0.0, running)


def test_turns_go_round_whoever_asks_for_many() -> None:
    many = [ticket(number, "anna") for number in range(4)]
    assert [one.space for one in in_order([*many, ticket(9, "bert"), ticket(10, "carl")], {})] == [
        *("anna", "bert", "carl", "anna", "anna", "anna"),
    ]
    # Who has one running waits behind who has none, and who was served last behind who waited longer.
    assert in_order([ticket(0, "anna", running=True), ticket(1, "anna"), ticket(2, "bert")], {})[0].space == "bert"
    assert in_order([ticket(1, "anna"), ticket(2, "bert")], {"anna": 5.0, "bert": 3.0})[0].space == "bert"


def test_a_job_waits_for_its_turn_and_says_so_and_a_dead_ones_ticket_does_not_count(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_turns, "LOOK", 0.01)
    told: list[Progress] = []
    code = (
        "import sys, time; from core.job_turns import turn; from core.progress import silent\n"
        "with turn(silent):\n    print('in', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env={**os.environ, "CONCEPTSCOPE_SPACE": "anna-1"}
    )
    try:
        assert other.stdout.readline() == b"in\n"

        def heard(moment: Progress) -> None:
            told.append(moment)
            other.kill()  # without a word, and its ticket stays
            other.wait(20)

        with within("bert-1"), turn(heard):
            assert [(one.done, one.note) for one in told] == [(1, "waiting for its turn")]
    finally:
        other.kill()
    assert list((home / "turns").glob("*.json")) == []


def test_on_ones_own_machine_no_job_waits(home: Path) -> None:
    with turn(lambda _: None):
        assert not (home / "turns").exists()


def test_one_user_has_so_many_jobs_at_once(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(jobs, "MODULE", "tests.fake_command")
    monkeypatch.setenv(job_turns.EACH, "2")
    started = []
    with within("anna-1"):
        try:
            for number in range(2):
                started.append(jobs.start(["count", "600", "0.1", str(tmp_path / str(number))], str(number)))
            with pytest.raises(UserError, match="You have 2 jobs"):
                jobs.start(["count", "600", "0.1", str(tmp_path / "3")], "3")
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline and not any("turn" in _note(one.id) for one in started):
                time.sleep(0.05)
            assert sorted("turn" in _note(one.id) for one in started) == [False, True]
        finally:
            for one in started:
                jobs.cancel(one.id)
        assert {one.state for one in jobs.jobs()} == {"cancelled"}


def _note(id: str) -> str:
    moment = jobs.get(id).progress
    return moment.note if moment else ""
