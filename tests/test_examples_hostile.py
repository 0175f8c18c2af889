"""Files that are not what they seem, or far too much of it: each gets a sentence, soon, or simply works."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.errors import UserError
from core.examples import (
    folds,
    guess_columns,
    open_examples,
    open_two,
    open_upload,
    read_table,
    read_texts,
    save_examples,
    split,
)
from core.examples.examples import LONGEST
from core.examples.tables import MOST_COLUMNS
from core.spreadsheet import csv_text

ROWS = "text,label\na,1\nb,0\nc,1\nd,0\n"


def bomb() -> bytes:
    """A small ZIP file that unpacks to 100 MB."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("texts.csv", b"text,label\n" + b"a" * 100_000_000)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("x.csv", b"PK\x03\x04" + b"\0" * 30, "a ZIP archive or an Excel workbook: .* save it as CSV"),
        ("x.jsonl", gzip.compress(ROWS.encode(), mtime=0), "packed with gzip: unpack it first"),
        ("x.csv", b"%PDF-1.7\n", "a PDF document"),
        ("x.txt", b"\x89PNG\r\n\x1a\n", "a picture"),
        ("x.csv", bytes(range(128, 256)) * 40, "not UTF-8 text: byte 0"),
        ("x.csv", ROWS.encode("utf-16-le"), r"not UTF-8 text \(UTF-16, it seems\).*NUL"),
        ("x.csv", "text,label\ncafé,1\n".encode("windows-1252"), "a “é” if this is Windows-1252; save it as UTF-8"),
        ("x.csv", ",".join(f"c{i}" for i in range(MOST_COLUMNS + 1)), "has 501 columns"),
        ("x.csv", "," * 1_000_000 + "\n", "has 1,000,001 columns"),
        ("x.jsonl", "\n".join(json.dumps({f"k{i}": 1}) for i in range(2 * MOST_COLUMNS)), "501 columns"),
        ("x.csv", "text,label\n" + "a" * (LONGEST + 1) + ",1\n" + ROWS[11:], "line 2, has 1,000,001 characters"),
        ("x.csv", "text,label\n" + "text " * 1_000_000 + ",1\n", "line 2, has 5,000,000 characters, more than"),
        ("x.jsonl", '{"text": ' + "[" * 50_000 + "]" * 50_000 + "}", "line 1, is not JSON"),
        ("x.csv", "text,label,label\na,1,0\n", r"names a column twice \('label'\)"),
        ("x.csv", "a,1\nb,0\nc,1\nd,0\n", r"no column 'text' .*; the first line must name the columns"),
        ("x.csv", ROWS.replace("d,0", "d"), "line 5, has 1 cell where the header has 2"),
        ("x.csv", ROWS.replace("d,0", ",0"), "line 5, is empty"),
        ("x.csv", "text,label\n" + "".join(f"t{i},{'long ' * 30}{i}\n" for i in range(60)), "60 different labels"),
    ],
)
def test_what_cannot_be_used_gets_a_sentence(name: str, content: str | bytes, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as told:
        open_upload(name, content if isinstance(content, bytes) else content.encode())
    assert len(str(told.value)) < 400
    assert str(told.value).endswith(".")


def test_a_zip_bomb_is_never_unpacked() -> None:
    data = bomb()
    assert len(data) < 200_000
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match="ZIP archive"):
            open_upload("texts.csv", data)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("depth", range(100, 1_400, 100))
def test_nested_json_is_read_or_told(depth: int) -> None:
    nested = "[" * depth + "]" * depth
    lines = "".join(json.dumps({"text": t, "label": i % 2}) + "\n" for i, t in enumerate("abcd"))
    data = (lines + '{"text": "e", "label": 1, "more": ' + nested + "}\n").encode()
    # Where Python gives up depends on its version and on how deep it is called; it must be told, not crash.
    with contextlib.suppress(UserError):
        assert len(open_upload("x.jsonl", data)) == 5


@pytest.mark.parametrize("repeat", [1, 100_000])
def test_a_hundred_thousand_rows_are_grouped_and_split_in_proportion(repeat: int) -> None:
    """Different texts, and one text over and over: neither may take time that grows with the square."""

    def measured(rows: int) -> float:
        data = ("text,label\n" + "".join(f"text {i // repeat},{i % 2}\n" for i in range(rows))).encode()
        began = time.process_time()
        examples = open_upload("x.csv", data)
        if repeat == 1:
            split(examples.labels, examples.groups)
            folds(examples.labels, examples.groups)
        assert len(examples) == rows
        return time.process_time() - began

    small, large = min(measured(10_000) for _ in range(2)), measured(100_000)
    assert large < 40 * small  # ten times the rows; a square would be a hundred


def test_texts_that_look_like_formulas_or_markup_are_texts() -> None:
    texts = ['=cmd|" /C calc"!A0', "+1", "@SUM(A1)", "<script>alert(1)</script>", "- no", "\ttab"]
    lines = "".join(json.dumps({"text": text, "label": i % 2}) + "\n" for i, text in enumerate(texts))
    made = open_upload("x.jsonl", lines.encode())
    assert list(made.texts) == texts
    # To a spreadsheet and back: guarded on the way out, as it was on the way in.
    table = csv_text(["text", "label"], zip(made.texts, made.labels.tolist(), strict=True))
    assert "'=cmd" in table
    back = open_upload("x.csv", table.encode())
    assert back.digest == made.digest
    assert "4 cells lost the apostrophe" in back.notes[0]


def test_apostrophes_of_somebody_elses_file_are_left_alone() -> None:
    data = b"text,label\n'-ing' is an ending,1\n- no,0\nc,1\nd,0\n"
    assert open_upload("x.csv", data).texts[:2] == ("'-ing' is an ending", "- no")


@pytest.mark.parametrize("encoding", ["windows-1252", "utf-16", "shift_jis", "gb18030"])
def test_another_encoding_can_be_named(encoding: str) -> None:
    words = {"windows-1252": "café", "utf-16": "café", "shift_jis": "日本", "gb18030": "中文"}
    data = ROWS.replace("a,", f"{words[encoding]},").encode(encoding)
    assert open_upload("x.csv", data, encoding=encoding).texts[0] == words[encoding]
    if encoding == "utf-16":  # its mark says so by itself
        assert open_upload("x.csv", data).texts[0] == words[encoding]
    with pytest.raises(UserError, match="no encoding 'rot13'"):
        open_upload("x.csv", data, encoding="rot13")


def test_spreadsheets_leave_empty_columns_and_a_hint() -> None:
    data = b"sep=;\r\ntext;label;;\r\na;1;;\r\nb;0\r\n"
    with pytest.raises(UserError, match="line 3, has 2 cells"):
        read_table("x.csv", data)
    table = read_table("x.csv", data.replace(b"b;0\r\n", b"b;0;;;;\r\n"))
    assert table.columns == ("text", "label", "column 3", "column 4")
    assert [row[:2] for row in table.rows] == [["a", "1"], ["b", "0"]]


def test_more_than_two_labels_need_a_choice() -> None:
    data = b"text,label\na,1\nb,2\nc,3\nd,2\ne,5\n"
    with pytest.raises(UserError, match=r"the label '3' is a third one.*unless you say which one is positive"):
        open_upload("x.csv", data)
    made = open_upload("x.csv", data, positive="2")
    assert made.labels.tolist() == [0, 1, 0, 1, 0]
    assert (made.positive_name, made.negative_name) == ("2", "not 2")
    assert made.notes == ("'2' is positive, '1', '3', '5' are negative.",)


def test_two_labelled_kinds_of_txt() -> None:
    marked = open_upload("x.txt", b"good film\n\nfine food\n---\nbad film\ndull food\n")
    signed = open_upload("x.txt", "+ good film\r\n+fine food\r\n- bad film\r\n−  dull food\r\n".encode())
    two = open_two(("p.txt", b"good film\nfine food"), ("n.txt", b"bad film\ndull food"), title="x")
    assert marked.digest == signed.digest == two.digest
    assert marked.texts == ("good film", "fine food", "bad film", "dull food")
    assert marked.labels.tolist() == [1, 1, 0, 0]
    assert two.source == "p.txt, n.txt"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("a\nb\nc\nd\n", "texts without labels: put a line of three dashes"),
        ("", "texts without labels"),
        ("a\n---\nb\n---\nc\nd", r"has 2 lines such as '---' \(lines 2 and 4\)"),
        ("+ a\n- b\n- c\nd\n", "line 4, begins with neither"),
        ("+ a\n+ b\n+ c\n+ d\n", "All lines of x.txt are positive"),
        ("---\na\nb\nc\nd\n", "All lines of x.txt are negative"),
        ("+ a\n+\n- b\n- c\n", "line 2, is empty"),
        ("a\n---\nb", "at least 4"),
    ],
)
def test_txt_that_does_not_say_what_is_what(content: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        open_upload("x.txt", content.encode())


def test_two_files_must_both_be_lines() -> None:
    with pytest.raises(UserError, match=r"b\.csv is a table with labels of its own"):
        open_two(("a.txt", b"x"), ("b.csv", b"y"), title="x")
    with pytest.raises(UserError, match=r"b\.txt holds no text"):
        open_two(("a.txt", b"x"), ("b.txt", b"\n"), title="x")


def test_lines_to_record_may_look_like_anything(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("+ a\n---\nb")
    assert read_texts(tmp_path / "x.txt") == ["+ a", "---", "b"]


def test_a_large_set_can_be_saved_and_read_in_part(home: Path) -> None:
    texts = [f"text {i}" for i in range(20_000)]
    made = open_upload("x.txt", ("\n".join(texts[:10_000]) + "\n---\n" + "\n".join(texts[10_000:])).encode())
    save_examples(made, "large")
    part = open_examples("large", limit=10)
    assert (len(part), part.n_positives) == (10, 5)
    assert np.array_equal(part.groups, np.arange(10))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"label,text\n1,a\n0,b\n", ("text", "label")),
        (b"id,verdict,said\n1,good,a long text\n2,bad,a text\n3,bad,another\n", ("said", "verdict")),
        (b"Prompt,Class\na,x\nb,y\n", ("Prompt", "Class")),
        (b"only\na\nb\n", ("only", "only")),
        (b"a,b\none,two\nthree,four five six\nseven,eight\n", ("a", "b")),
    ],
)
def test_columns_are_guessed(data: bytes, expected: tuple[str, str]) -> None:
    assert guess_columns(read_table("x.csv", data)) == expected
