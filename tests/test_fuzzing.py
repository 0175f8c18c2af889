"""Damaged input of every kind ends in an answer or in a sentence: no traceback, no hang, nothing written elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import UserError
from tests.fuzzed import kinds
from tests.fuzzing import Kind, outcome, run

FEW = 15  # of each kind; `python -m tests.fuzzing` tries a thousand


def test_every_kind(home: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    number = iter(range(10**9))

    def new_folder() -> Path:
        own = tmp_path / "inputs" / str(next(number)) / "own"
        own.mkdir(parents=True)
        return own

    for kind in kinds(made):
        for data in kind.seeds:  # what is sound has to be taken, or damage to it says nothing
            if kind.name != "model, weights":
                kind.read(data, new_folder())
        counts = run(kind, FEW, new_folder)
        assert counts.total() >= FEW


@pytest.mark.parametrize("fault", [ValueError("x"), RecursionError(), MemoryError()])
def test_a_reader_that_breaks_is_found(fault: Exception, tmp_path: Path) -> None:
    def read(data: bytes, _: Path) -> None:
        if data != b"sound":
            raise fault

    with pytest.raises(type(fault)):
        run(Kind("x", (b"sound",), read), 20, lambda: tmp_path / "own")


def test_a_file_elsewhere_and_an_empty_sentence_are_found(tmp_path: Path) -> None:
    def elsewhere(data: bytes, folder: Path) -> None:
        (folder.parent / "there").write_bytes(data)

    def mute(data: bytes, _: Path) -> None:
        raise UserError(" ")

    for read in (elsewhere, mute):
        with pytest.raises(AssertionError):
            outcome(Kind("x", (b"",), read), b"", tmp_path / "own")
