"""The library's example sets: found, looked into, checked, taken, kept in order; and texts of one's own."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.directions import load_direction
from core.examples import from_lists, list_saved, open_examples, save_examples
from core.models import open_model
from tests.pages import forget, open_alone, save_colours, texts_of
from tests.tiny import tiny_directory

SST2 = "sae-probes/92_glue_sst2"
MAIL = b"who,said,kind,where\n" + b"".join(
    f"u{i // 2},<b>text</b> number {i},{'spam' if i % 2 else 'ham'},{'north' if i % 3 else 'south'}\n".encode()
    for i in range(24)
)


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture
def sets(home_with_model: Path) -> Path:
    save_colours()
    return home_with_model


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def sound(app: AppTest) -> str:
    assert not app.exception
    assert not app.error, [error.value for error in app.error]
    return texts_of(app)


def test_all_sets_are_there_with_size_and_source(sets: Path) -> None:
    app = open_alone("library")
    sound(app)
    table = app.dataframe[0].value
    assert len(table) == 122
    row = table[table["id"] == SST2].iloc[0]
    assert (row["subject"], row["positives"], row["negatives"]) == ("sentiment", 2500, 2500)
    assert row["source"].startswith("https://")
    assert {"sentiment", "toxicity", "truth", "language", "code", "people", "news", "medicine"} <= set(table["subject"])


def test_sets_are_found_by_words_and_subject(sets: Path) -> None:
    app = open_alone("library", set_search="movie review")
    assert set(app.dataframe[0].value["subject"]) == {"sentiment"}
    app = open_alone("library", set_subject="medicine")
    assert len(app.dataframe[0].value) == 6
    assert app.selectbox(key="set").value == "sae-probes/142_cancer_cat_Thyroid_Cancer"
    app = open_alone("library", set_search="shift/")
    assert len(app.dataframe[0].value) == 8
    app = open_alone("library", set_search="no such words")
    assert "No set fits" in sound(app)


def test_a_set_is_shown_as_text_and_checked(sets: Path) -> None:
    save_examples(from_lists(["<b>one</b> **bold**", "two"], ["three", "four ![x](y.png)"]), "markup")
    app = open_alone("library", set="markup")
    shown = sound(app)
    assert {"<b>one</b> **bold**", "four ![x](y.png)"} <= {text.value for text in app.text}
    assert "a probe needs 4 of each" in shown.replace("\\", "")
    assert app.metric[0].label == "Length alone"
    before = [text.value for text in open_alone("library", set=SST2).text]
    app = press(open_alone("library", set=SST2), "Other rows")
    sound(app)
    assert [text.value for text in app.text] != before


def test_a_set_becomes_the_concept(sets: Path) -> None:
    app = press(open_alone("library", set=SST2, concept="colours"), "Use as concept")
    sound(app)
    assert app.sidebar.selectbox(key="concept").value == SST2
    assert "Use as concept" not in [button.label for button in app.button]


def test_a_set_leads_to_its_shifted_one_and_back(sets: Path) -> None:
    app = press(open_alone("library", set="sae-probes/87_glue_cola", set_search="cola"), "Same labels, other texts")
    sound(app)
    assert app.selectbox(key="set").value == "sae-probes/shift/87_glue_cola"
    press(app, "Same labels, other texts")
    assert app.selectbox(key="set").value == "sae-probes/87_glue_cola"
    assert "Same labels, other texts" not in [button.label for button in open_alone("library", set=SST2).button]


def test_a_saved_set_is_renamed_deleted_and_brought_back(sets: Path) -> None:
    app = open_alone("library", set="colours", concept="colours")
    next(field for field in app.text_input if field.label == "New name").set_value("warm")
    press(app, "Rename")
    sound(app)
    assert [info.id for info in list_saved()] == ["warm"]
    assert app.sidebar.selectbox(key="concept").value == "warm"
    press(app, "Delete")
    assert "was deleted" in sound(app)
    assert list_saved() == []
    press(app, "Undo")
    sound(app)
    assert [info.id for info in list_saved()] == ["warm"]
    assert app.selectbox(key="set").value == "warm"


def test_a_name_that_is_taken_or_unfit_is_said(sets: Path) -> None:
    save_colours("other")
    app = open_alone("library", set="colours")
    for name, sentence in (("other", "already"), ("../x", "cannot be a name")):
        next(field for field in app.text_input if field.label == "New name").set_value(name)
        press(app, "Rename")
        assert not app.exception
        assert sentence in app.error[0].value.replace("\\", "")
    assert {info.id for info in list_saved()} == {"colours", "other"}


def test_near_repeats_are_grouped_in_a_copy(sets: Path) -> None:
    draw = random.Random(0)
    texts = [" ".join(f"w{draw.randrange(30)}" for _ in range(20)) for _ in range(80)]
    save_examples(from_lists([*texts[:40], *(f"{text} too" for text in texts[:20])], texts[40:]), "near")
    app = press(open_alone("library", set="near"), "Save with near repeats grouped")
    sound(app)
    assert app.selectbox(key="set").value == "near-grouped"
    assert open_examples("near-grouped").groups.max() + 1 == 80


def uploaded(*files: tuple[str, bytes], **query: str) -> AppTest:
    app = open_alone("library", do="add", way="upload", **query)
    app.file_uploader[0].set_value([(name, data, "text/plain") for name, data in files]).run()
    return app


def choose(app: AppTest, **columns: str) -> None:
    for label, value in columns.items():
        next(box for box in app.selectbox if box.label.lower().replace(" ", "_") == label).set_value(value).run()


def test_an_uploaded_table_is_previewed_checked_and_taken(sets: Path) -> None:
    app = uploaded(("mail.csv", MAIL))
    choose(app, column_of_texts="said", column_of_labels="kind", positive_label="ham")
    choose(app, column_of_groups="who", column_of_subgroups="where")
    shown = sound(app)
    assert app.dataframe[0].value["said"].tolist()[0] == "<b>text</b> number 0"
    assert "Positives:** 12 × ham" in shown
    assert any(text.value.startswith("<b>text</b> number") for text in app.text)
    next(field for field in app.text_input if field.label.startswith("Name")).set_value("mails")
    press(app, "Use these texts")
    sound(app)
    made = open_examples("mails")
    assert (made.n_positives, made.positive_name, made.subgroup_name) == (12, "ham", "where")
    assert made.groups.max() + 1 == 12
    assert app.sidebar.selectbox(key="concept").value == "mails"
    assert app.selectbox(key="set").value == "mails"  # and it is looked into


def test_two_txt_files_and_one_that_marks_its_lines(sets: Path) -> None:
    app = uploaded(("bad.txt", b"dull\nsad\n"), ("pos.txt", b"good\nfine\n"))
    press(app, "Use these texts")
    sound(app)
    made = open_examples(app.sidebar.selectbox(key="concept").value)
    assert made.texts[:2] == ("good", "fine")
    app = uploaded(("x.txt", b"+ good\n+ fine\n- bad\n- dull"))
    press(app, "Use these texts")
    assert app.sidebar.selectbox(key="concept").value.startswith("x-")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("x.csv", b"text,label\na,1\nb,1\nc,1\nd,1\n", "All 4 rows of x.csv are labelled '1'"),
        ("x.csv", b"text,label\na,1\nb,0\nc,1\n", "holds 3 rows; at least 4"),
        ("x.csv", b"text,label\n" + b"long " * 1_000_000 + b",1\nb,0\nc,1\nd,0\n", "5,000,000 characters"),
        ("x.csv", b"text,label\na,1\n ,0\nc,1\nd,0\n", "line 3, is empty"),
        ("x.csv", b"PK\x03\x04\0\0", "a ZIP archive or an Excel workbook"),
        ("x.csv", b"text\na\nb\n", "cannot be both the texts and the labels"),
        ("x.txt", b"a\nb\n", "texts without labels"),
    ],
)
def test_a_file_that_cannot_be_used_gets_a_sentence(sets: Path, name: str, content: bytes, sentence: str) -> None:
    app = uploaded((name, content))
    assert not app.exception
    assert sentence in app.error[0].value.replace("\\", "")
    assert "Use these texts" not in [button.label for button in app.button]


def test_formulas_and_markup_in_cells_are_texts(sets: Path) -> None:
    rows = b'text,label\n=cmd(),1\n<script>alert(1)</script>,0\n"+1",1\n@x,0\n'
    app = uploaded(("x.csv", rows))
    sound(app)
    assert {"=cmd()", "<script>alert(1)</script>"} <= {text.value for text in app.text}


def test_another_encoding_is_asked_for_and_then_read(sets: Path) -> None:
    rows = "text,label\ncafé,1\nthé,0\nlait,1\neau,0\n".encode("windows-1252")
    app = uploaded(("x.csv", rows))
    assert "not UTF-8 text" in app.error[0].value.replace("\\", "")
    choose(app, encoding_of_the_file="windows-1252")
    sound(app)
    assert "café" in {text.value for text in app.text}


def test_a_template_is_shown_as_it_is_typed_and_taken(sets: Path) -> None:
    app = open_alone("library", do="add", way="template")
    assert "The meal was" in sound(app)
    areas = {area.label: area for area in app.text_area}
    areas["Patterns, one per line"].set_value("A {thing} so {word}.").run()
    next(field for field in app.text_input if field.label == "Words for {thing}").set_value("sky, sea").run()
    press(app, "Use these texts")
    sound(app)
    made = open_examples(app.sidebar.selectbox(key="concept").value)
    assert "A sky so wonderful." in made.texts
    assert made.groups.max() + 1 == 16


def test_what_was_typed_survives_a_look_at_another_way(sets: Path) -> None:
    app = open_alone("library", do="add")
    next(area for area in app.text_area if "Positives" in area.label).set_value("one text").run()
    app.segmented_control(key="way").set_value("upload").run()
    app.segmented_control(key="way").set_value("paste").run()
    assert next(area for area in app.text_area if "Positives" in area.label).value == "one text"


def test_two_word_lists_make_a_direction(sets: Path, tmp_path: Path) -> None:
    directory = str(tiny_directory(tmp_path, "llama"))
    open_model(directory)  # so that it is among the models to choose from
    app = open_alone("library", model=directory, layer="1", do="add", way="words")
    press(app, "Make the direction")
    assert "Give the direction a name" in app.error[0].value.replace("\\", "")
    areas = {area.label: area for area in app.text_area}
    areas["Words to make likelier"].set_value("the")
    areas["Words to make rarer"].set_value("and")
    next(field for field in app.text_input if field.label == "Name of the direction").set_value("words")
    press(app, "Make the direction")
    assert "**words** is saved: after layer 1." in sound(app)
    made = load_direction("words")
    assert (made.method, made.layer) == ("observable", 1)
    assert "Steer with it" in [button.label for button in app.button]
