"""A saved set comes back as it was, is replaced in one step, and is refused when it was damaged."""

import contextlib
import json
import os
from pathlib import Path

import pytest

from core import workspace
from core.errors import UserError
from core.examples import (
    delete_examples,
    from_lists,
    list_saved,
    open_examples,
    open_upload,
    rename_examples,
    restore_examples,
    save_examples,
    to_csv,
    to_jsonl,
)

DATA = 'text,label,group\n"a\u2028\n",ham,x\nb,spam,x\nc,ham,\nd,spam,\n<b>é</b>,ham,y\ne,spam,y\n'.encode()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONCEPTSCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def test_what_is_saved_comes_back() -> None:
    made = open_upload("mail.csv", DATA)
    save_examples(made, "mails")
    back = open_examples("mails")
    assert back.digest == made.digest
    assert (back.id, back.title, back.positive_name, back.negative_name) == ("mails", "mail", "spam", "ham")
    [info] = list_saved()
    assert (info.id, info.subject, info.positives, info.negatives) == ("mails", "saved", 3, 3)


@pytest.mark.parametrize("limit", [4, 5])
def test_a_part_of_a_set_can_be_saved(limit: int) -> None:
    part = open_upload("mail.csv", DATA, limit=limit)
    save_examples(part, "part")
    assert open_examples("part").digest == part.digest
    assert len(open_examples("part", limit=4)) == 4


def test_the_file_can_be_passed_on_and_opened_by_its_path(home: Path) -> None:
    made = open_upload("mail.csv", DATA)
    save_examples(made, "mails")
    assert open_examples(str(home / "examples" / "mails.jsonl")).digest == made.digest


def test_a_saved_name_wins_over_a_file_here() -> None:
    save_examples(from_lists(["a", "b"], ["c", "d"]), "mail.csv")
    Path("mail.csv").write_bytes(DATA)
    assert len(open_examples("mail.csv")) == 4
    assert len(open_examples("./mail.csv")) == 6


def test_a_taken_name_is_kept_unless_told_otherwise() -> None:
    save_examples(from_lists(["a", "b"], ["c", "d"]), "mine")
    other = from_lists(["e", "f"], ["g", "h"])
    with pytest.raises(UserError, match="already"):
        save_examples(other, "mine")
    assert open_examples("mine").texts == ("a", "b", "c", "d")
    save_examples(other, "mine", replace=True)
    assert open_examples("mine").texts == ("e", "f", "g", "h")


def test_a_save_that_breaks_off_leaves_the_old_set(monkeypatch: pytest.MonkeyPatch) -> None:
    save_examples(from_lists(["a", "b"], ["c", "d"]), "mine")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workspace.os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        save_examples(from_lists(["e", "f"], ["g", "h"]), "mine", replace=True)
    assert open_examples("mine").texts == ("a", "b", "c", "d")
    assert [info.id for info in list_saved()] == ["mine"]


def test_deleting() -> None:
    save_examples(from_lists(["a", "b"], ["c", "d"]), "mine")
    delete_examples("mine")
    assert list_saved() == []
    for forgotten in (delete_examples, open_examples):
        with pytest.raises(UserError, match="mine"):
            forgotten("mine")


@pytest.mark.parametrize("name", ["../mine", "a/b", "", ".hidden", "x" * 65])
def test_names_that_could_leave_the_place_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="cannot be a name"):
        save_examples(from_lists(["a", "b"], ["c", "d"]), name)


def test_every_flipped_byte_is_found(home: Path) -> None:
    save_examples(from_lists(["a", "b"], ["c", "d"]), "mine")
    path = home / "examples" / "mine.jsonl"
    whole = path.read_bytes()
    rows = whole.index(b"\n") + 1
    for place in range(rows, len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with contextlib.suppress(UserError):  # only a harmless place, such as white space, may pass
            assert open_examples("mine").texts == ("a", "b", "c", "d")
    path.write_bytes(whole[:-20])
    with pytest.raises(UserError, match="damaged"):
        open_examples("mine")


KINDS = b"text,label,group,subgroup\na,1,x,north\nb,0,x,south\nc,1,, north \nd,0,,\ne,1,y,south\nf,0,,south\n"


def test_subgroups_are_read_cut_saved_and_told_apart() -> None:
    made = open_upload("said.csv", KINDS)
    assert made.subgroups == ("north", "south", "north", "", "south", "south")
    part = open_upload("said.csv", KINDS, limit=4)
    of = dict(zip(made.texts, made.subgroups, strict=True))
    assert part.subgroups == tuple(of[text] for text in part.texts)
    save_examples(made, "said")
    back = open_examples("said")
    assert (back.subgroups, back.subgroup_name, back.digest) == (made.subgroups, "subgroup", made.digest)
    assert open_examples("said", limit=4).subgroups == part.subgroups
    # Scores by subgroup are cached under the digest, so other subgroups must be other examples.
    other = open_upload("said.csv", KINDS.replace(b"north\nb", b"west\nb"))
    none = open_upload("said.csv", KINDS, subgroup_column="")
    assert len({made.digest, other.digest, none.digest}) == 3
    assert none.subgroups is None
    save_examples(none, "none")
    assert open_examples("none").subgroups is None


def test_another_column_may_hold_the_subgroups_but_not_names_of_everybody() -> None:
    data = b"text,label,dialect\na,1,A\nb,0,B\nc,1,A\nd,0,\n"
    made = open_upload("x.csv", data, subgroup_column="dialect")
    assert (made.subgroups, made.subgroup_name) == (("A", "B", "A", ""), "dialect")
    with pytest.raises(UserError, match="no column 'sex' for the subgroups"):
        open_upload("x.csv", data, subgroup_column="sex")
    rows = "".join(f"text {i},{i % 2},{i}\n" for i in range(60))
    with pytest.raises(UserError, match="60 different subgroups in 'id'"):
        open_upload("x.csv", ("text,label,id\n" + rows).encode(), subgroup_column="id")


def test_renaming_keeps_everything_but_the_name() -> None:
    made = save_examples(open_upload("mail.csv", DATA), "mails")
    save_examples(from_lists(["a", "b"], ["c", "d"]), "other")
    with pytest.raises(UserError, match="'other' already"):
        rename_examples("mails", "other")
    rename_examples("mails", "letters")
    assert [info.id for info in list_saved()] == ["letters", "other"]
    assert open_examples("letters").digest == made.digest
    assert open_examples("letters").title == "mail"
    rename_examples("other", "third")
    assert (open_examples("third").title, open_examples("third").texts) == ("third", ("a", "b", "c", "d"))
    with pytest.raises(UserError, match="no saved examples called 'mails'"):
        rename_examples("mails", "letters")
    with pytest.raises(UserError, match="cannot be a name"):
        rename_examples("letters", "../letters")


def test_what_was_deleted_can_be_brought_back() -> None:
    made = save_examples(open_upload("mail.csv", DATA), "mails")
    delete_examples("mails")
    assert list_saved() == []
    restore_examples("mails")
    assert open_examples("mails").digest == made.digest
    delete_examples("mails")
    save_examples(from_lists(["a", "b"], ["c", "d"]), "mails")
    with pytest.raises(UserError, match="called 'mails' again"):
        restore_examples("mails")
    with pytest.raises(UserError, match="No deleted examples called 'never'"):
        restore_examples("never")


def test_only_so_many_deleted_sets_are_kept(home: Path) -> None:
    for number in range(24):
        save_examples(from_lists(["a", "b"], ["c", f"d{number}"]), f"set{number}")
        delete_examples(f"set{number}")
    assert len(list((home / "examples" / "deleted").iterdir())) == 20
    restore_examples("set23")
    with pytest.raises(UserError, match="are left"):
        restore_examples("set0")


def test_an_old_set_that_is_deleted_outlives_those_deleted_before_it(home: Path) -> None:
    for number in range(24):
        save_examples(from_lists(["a", "b"], ["c", f"d{number}"]), f"set{number}")
    os.utime(home / "examples" / "set0.jsonl", (1, 1))  # saved long ago
    for number in range(1, 24):
        delete_examples(f"set{number}")
    delete_examples("set0")
    restore_examples("set0")
    assert open_examples("set0").n_positives == 2
    restore_examples("set23")
    with pytest.raises(UserError, match="are left"):
        restore_examples("set1")


def test_a_download_comes_back() -> None:
    texts = ["=1+1", "-5", "'quoted", "a,b\r\nc", "<b>\u2028</b>", "+ more"]
    lines = [
        json.dumps({"text": text, "label": i % 2, "group": str(i // 3), "subgroup": "ab"[i % 2]})
        for i, text in enumerate(texts)
    ]
    made = save_examples(open_upload("x.jsonl", "\n".join(lines).encode()), "mine")
    exact = open_upload("passed-on.jsonl", to_jsonl(made))
    assert (exact.digest, exact.title, exact.positive_name) == (made.digest, made.title, made.positive_name)
    assert open_upload("passed-on.csv", to_csv(made).encode()).digest == made.digest


def test_a_set_that_is_passed_on_keeps_its_words() -> None:
    made = save_examples(open_upload("mail.csv", DATA), "mails")
    back = open_upload("x.jsonl", to_jsonl(made))
    assert (back.title, back.positive_name, back.negative_name) == ("mail", "spam", "ham")


@pytest.mark.parametrize("value", ["NaN", "1e999", "[" * 100_000])
def test_a_damaged_header_hides_no_other_set(home: Path, value: str) -> None:
    save_examples(from_lists(["a", "b"], ["c", "d"], "x"), "mine")
    save_examples(from_lists(["a", "b"], ["c", "d"], "x"), "yours")
    path = workspace.place("examples", "mine.jsonl")
    path.write_text(path.read_text().replace('"title": "mine"', f'"title": "mine", "more": {value}', 1))
    assert [one.id for one in list_saved()] == ["yours"]
    with pytest.raises(UserError, match="damaged"):
        open_examples("mine")
