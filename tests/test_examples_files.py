"""Files open when they are right; when they are not, the sentence names the file and the line."""

import json
import tracemalloc
from pathlib import Path

import pytest

from core.errors import UserError
from core.examples import files, from_lists, open_examples, open_file, open_upload, read_table, read_texts

CSV = 'text,label\ngood film,1\nbad film,0\n"fine, really",1\n"dull\nand long",0\n'


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_csv_opens_by_its_path(tmp_path: Path) -> None:
    examples = open_examples(str(write(tmp_path / "films.csv", CSV)))
    assert examples.texts == ("good film", "bad film", "fine, really", "dull\nand long")
    assert examples.labels.tolist() == [1, 0, 1, 0]
    assert examples.groups.tolist() == [0, 1, 2, 3]
    assert (examples.title, examples.source) == ("films", str(tmp_path / "films.csv"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bom.csv", "\ufeff" + CSV),
        ("windows.csv", CSV.replace("\n", "\r\n").replace("dull\r\n", "dull\n")),
        ("blank-lines.csv", CSV.replace("bad film", "bad film").replace("\nbad", "\n\n\nbad")),
        (
            "semicolons.csv",
            CSV.replace('"fine, really"', "fine; really").replace(",", ";").replace("fine; really", '"fine, really"'),
        ),
        ("tabs.tsv", 'label\ttext\n1\tgood film\n0\tbad film\n1\tfine, really\n0\t"dull\nand long"\n'),
        ("usual.csv", CSV.replace("text,label", "prompt,target")),
        (
            "lines.jsonl",
            '{"text": "good film", "label": 1}\n{"text": "bad film", "label": 0}\n\n'
            '{"text": "fine, really", "label": true}\n{"text": "dull\\nand long", "label": 0.0}',
        ),
    ],
)
def test_other_dresses_of_the_same_table(name: str, content: str) -> None:
    plain, other = open_upload("films.csv", CSV.encode()), open_upload(name, content.encode())
    assert other.digest == plain.digest


def test_two_words_as_labels_and_chosen_columns() -> None:
    data = b"id,said,kind\n1,a,spam\n2,b,ham\n3,c,ham\n4,d,spam\n"
    assert read_table("x.csv", data).columns == ("id", "said", "kind")
    examples = open_upload("x.csv", data, text_column="said", label_column="kind")
    assert examples.labels.tolist() == [1, 0, 0, 1]
    assert (examples.positive_name, examples.negative_name) == ("spam", "ham")
    assert examples.notes == ("'spam' is positive, 'ham' is negative.",)
    turned = open_upload("x.csv", data, text_column="said", label_column="kind", positive="ham")
    assert turned.labels.tolist() == [0, 1, 1, 0]
    assert turned.positive_name == "ham"


def test_a_group_column_joins_rows_and_so_do_equal_texts() -> None:
    data = b"text,label,group\na,1,x\nb,0,x\nc,1,\nd,0,\nB,1,y\ne,0,y\n"
    examples = open_upload("x.csv", data)
    assert examples.groups.tolist() == [0, 0, 1, 2, 0, 0]
    assert examples.notes == ()


ROWS = "text,label\na,1\nb,0\nc,1\n"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("x.csv", ROWS + "  ,0\n", r"The text in x\.csv, line 5, is empty"),
        ("x.csv", ROWS + "d,\n", r"x\.csv, line 5, has no label"),
        ("x.csv", '"a\nb",1\n', "no rows below its header"),
        ("x.csv", ROWS, r"x\.csv holds 3 rows; at least 4"),
        ("x.csv", "", "holds no rows"),
        ("x.csv", ROWS.replace("0", "1") + "d,1\n", "All 4 rows of x.csv are labelled '1'"),
        ("x.csv", ROWS + "d,2\n", r"line 5: the label '2' is a third one beside '1' and '0'"),
        ("x.csv", "words,label\na,1\n", "no column 'text' or 'prompt' for the texts; it has 'words', 'label'"),
        ("x.csv", "text,mark\na,1\n", "no column 'label' or 'target' for the labels; it has 'text', 'mark'"),
        ("x.csv", "text,text\na,1\n", "names a column twice"),
        ("x.csv", ROWS + "d, e,0\n", r"line 5, has 3 cells where the header has 2.*double quotes"),
        ("x.csv", ROWS + '"d,0\ne,1\n', r"row that starts on line 5"),
        ("x.csv", ROWS.encode() + b"caf\xe9,1\n", r"not UTF-8 text: byte 26 \(line 5\) is 0xe9"),
        ("x.csv", b"\xef\xbb\xbf" + ROWS.encode() + b"caf\xe9,1\n", r"byte 29 \(line 5\)"),
        ("x.csv", ROWS.encode() + b"d\0,1\n", r"byte 24 \(line 5\) is NUL"),
        ("x.csv", b"\x00\x89\xff\0\0", "not UTF-8 text: byte 1"),
        ("x.jsonl", '{"text": "a", "label": 1}\n{"text": "b"\n', r"x\.jsonl, line 2, is not JSON"),
        ("x.jsonl", '{"text": "a", "label": 1}\n["b", 0]\n', r"line 2, is not an object"),
        ("x.jsonl", '{"text": "a", "label": 1}\n{"label": 0}\n', r"line 2, has no 'text'"),
        ("x.jsonl", '{"text": "\\ud800", "label": 1}\n', r"The text in x\.jsonl, line 1, holds half a character"),
        ("x.jsonl", '{"text": "a\\u0000", "label": 1}\n', r"line 1, holds a NUL"),
        ("x.jsonl", "[" * 100_000, r"line 1, is not JSON"),
        ("x.txt", "a\nb\n", "texts without labels"),
        ("x.xlsx", "a", "not of a kind that can be opened"),
    ],
)
def test_every_mistake_is_told_with_its_place(name: str, content: str | bytes, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        open_upload(name, content if isinstance(content, bytes) else content.encode())


def test_a_label_or_column_that_is_asked_for_in_vain() -> None:
    with pytest.raises(UserError, match="has no label 'yes'; it has '0' and '1'"):
        open_upload("x.csv", CSV.encode(), positive="yes")
    with pytest.raises(UserError, match="no column 'said'"):
        open_upload("x.csv", CSV.encode(), text_column="said")
    with pytest.raises(UserError, match="no column 'user' for the groups"):
        open_upload("x.csv", CSV.encode(), group_column="user")


def test_files_that_are_not_there_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="There is no file"):
        open_examples(str(tmp_path / "none.csv"))
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        open_file(tmp_path / "folder.csv")
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    with pytest.raises(UserError, match="too large"):
        open_file(write(tmp_path / "big.csv", CSV))


def test_texts_to_record_need_no_labels(tmp_path: Path) -> None:
    assert read_texts(write(tmp_path / "a.txt", "one\r\n\n two\u2028three \n")) == ["one", " two\u2028three "]
    assert read_texts(write(tmp_path / "a.csv", CSV))[2:] == ["fine, really", "dull\nand long"]
    assert read_texts(write(tmp_path / "a.jsonl", json.dumps({"said": "x"})), text_column="said") == ["x"]
    with pytest.raises(UserError, match="holds no text"):
        read_texts(write(tmp_path / "b.txt", " \n"))
    with pytest.raises(UserError, match="line 2, is empty"):
        read_texts(write(tmp_path / "b.csv", "text,n\n,1\n"))


def test_pasted_lists() -> None:
    examples = from_lists(["good", "fine"], ["bad", "dull"])
    assert (examples.id, examples.labels.tolist()) == ("pasted", [1, 1, 0, 0])
    with pytest.raises(UserError, match="The negative text 2 is empty"):
        from_lists(["good", "fine"], ["bad", " "])
    with pytest.raises(UserError, match="no negative text"):
        from_lists(["good", "fine", "nice", "great"], [])
    with pytest.raises(UserError, match="at least 4"):
        from_lists(["good"], ["bad"])


def test_a_row_that_lacks_most_keys_takes_no_more_than_it_holds() -> None:
    wide = json.dumps({f"k{number}": "x" for number in range(500)})
    short = json.dumps({"text": "t", "k499": 1})
    data = "\n".join([json.dumps({"text": "first", "label": 0}), wide, *[short] * 4000]).encode()
    with pytest.raises(UserError, match="502 columns"):
        read_table("x.jsonl", data)
    data = data.replace(b'"k0": "x", "k1": "x", ', b"")
    tracemalloc.start()
    table = read_table("x.jsonl", data)
    assert tracemalloc.get_traced_memory()[1] < 40 * len(data)  # filled up, they took a hundred times the file
    tracemalloc.stop()
    assert table.columns[:3] == ("text", "label", "k2")
    assert table.column("text") == ["first", None, *["t"] * 4000]
    assert table.column("k499") == [None, "x", *["1"] * 4000]
    assert table.column("k7") == [None, "x", *[None] * 4000]
    assert [list(row) for row in table.rows[:2]] == [["first", "0", *[None] * 498], [None, None, *["x"] * 498]]
    assert table.rows[0][:2] == ["first", "0"]
    assert {len(row) for row in table.rows} == {500}
    with pytest.raises(IndexError):
        table.rows[2][500]
