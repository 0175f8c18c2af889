"""`examples` and its actions: keys that scripts rely on, and one line for every mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.__main__ import main
from core.examples import open_examples
from tests.tiny import tiny_directory

ROWS = "said,kind,who,where\n" + "".join(
    f"text number {i},{'spam' if i % 2 else 'ham'},u{i // 2},{'north' if i < 6 else 'south'}\n" for i in range(12)
)


@pytest.fixture
def file(home: Path, tmp_path: Path) -> str:
    path = tmp_path / "mail.csv"
    path.write_text(ROWS)
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["examples", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    try:
        status = main(["examples", *arguments])
    except SystemExit as end:
        status = int(end.code or 0)
    out, err = capsys.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1)
    return err


def save(capsys: pytest.CaptureFixture[str], file: str, *more: str) -> dict[str, Any]:
    columns = ("--text-column", "said", "--label-column", "kind", "--group-column", "who", "--subgroup-column", "where")
    return run(capsys, "save", "mails", "--from", file, *columns, *more)


def test_a_file_is_saved_with_its_columns_and_linted(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    made = save(capsys, file, "--positive", "ham")
    assert (made["id"], made["positives"], made["negatives"], made["groups"]) == ("mails", 6, 6, 6)
    kept = open_examples("mails")
    assert (kept.positive_name, kept.subgroup_name, kept.subgroups[0]) == ("ham", "where", "north")
    assert "already" in fails(
        capsys, "save", "mails", "--from", file, "--text-column", "said", "--label-column", "kind"
    )
    report = run(capsys, "lint", "mails")
    assert {"id", "title", "findings", "rows", "length", "words", "few", "top", "half_width", "cut"} <= set(report)
    assert {"check", "severity", "sentence", "remedy", "n_rows", "rows"} == set(report["findings"][0])
    assert main(["examples", "lint", "mails"]) == 0
    assert "WARNING: With 6 positives and 6 negatives" in capsys.readouterr().out


def test_rows_are_shown_exported_renamed_deleted_restored(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(capsys, file)
    shown = run(capsys, "show", "mails", "--rows", "4")["rows"]
    assert [one["label"] for one in shown] == [1, 1, 0, 0]
    assert all(open_examples("mails").texts[one["row"]] == one["text"] for one in shown)
    digest = open_examples("mails").digest
    for suffix in ("csv", "jsonl"):
        path = str(tmp_path / f"out.{suffix}")
        assert run(capsys, "export", "mails", "--to", path)["rows"] == 12
        assert open_examples(path).digest == digest
    assert "must end in" in fails(capsys, "export", "mails", "--to", "x.xlsx")
    assert run(capsys, "rename", "mails", "letters")["id"] == "letters"
    run(capsys, "delete", "letters")
    assert "letters" in fails(capsys, "show", "letters")
    run(capsys, "restore", "letters")
    assert open_examples("letters").digest == digest


def test_two_lists_and_a_template(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in (("p.txt", "good\nfine\n"), ("n.txt", "bad\ndull\n")):
        (tmp_path / name).write_text(text)
    lists = ("--positives", str(tmp_path / "p.txt"), "--negatives", str(tmp_path / "n.txt"))
    assert run(capsys, "save", "two", *lists)["positives"] == 2
    words = ("--positive-words", "good, fine", "--negative-words", "bad,dull,sad", "--slot", "noun=film,meal")
    made = run(capsys, "save", "made", "--pattern", "A {noun} so {word}.", "--pattern", "It is {word}.", *words)
    assert (made["positives"], made["negatives"], made["groups"]) == (6, 9, 5)
    assert "one of --from" in fails(capsys, "save", "x")
    assert "one of --from" in fails(capsys, "save", "x", "--from", file, "--pattern", "{word}")
    assert "belong together" in fails(capsys, "save", "x", *lists[:2])
    assert "--slot takes" in fails(capsys, "save", "x", "--pattern", "{word}", "--slot", "noun")


def test_near_repeats_are_joined_when_asked(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    long = "one two three four five six seven eight nine ten eleven twelve"
    path = tmp_path / "near.csv"
    path.write_text(f"text,label\n{long} a,1\n{long} b,1\nother,0\nthird,0\n")
    assert run(capsys, "save", "near", "--from", str(path))["groups"] == 4
    assert run(capsys, "save", "near", "--from", str(path), "--join-near-repeats", "--replace")["groups"] == 3


def test_tokens_are_counted_by_a_model_when_one_is_named(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(capsys, file)
    estimated = run(capsys, "lint", "mails", "--max-length", "4")
    counted = run(capsys, "lint", "mails", "--max-length", "4", "--model", str(tiny_directory(tmp_path, "llama")))
    assert (estimated["exact"], counted["exact"]) == (False, True)
    assert counted["cut"] == 1


def test_the_list_is_searched(home_with_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(capsys, "--search", "python", "--subject", "code")["examples"]
    assert [one["id"] for one in found] == ["sae-probes/159_code_Python"]
    assert len(run(capsys, "--subject", "medicine")["examples"]) == 6
    assert len(run(capsys, "--limit", "3")["examples"]) == 3
