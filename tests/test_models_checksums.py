"""What the program noted of a model's files belongs to the folder that holds them, whoever made it first."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.errors import UserError
from core.models import Model, bundled
from core.models.checksums import FILE, note_checksums
from core.models.fingerprint import fingerprint
from core.models.source import find_source


def test_of_two_conversions_at_once_the_sums_are_those_of_the_one_that_stands(
    home: Path, tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = iter(("later", "first"))

    def unpack(_: Path, directory: Path) -> None:
        shutil.copytree(tiny.id, directory, dirs_exist_ok=True)
        (directory / "vocab.txt").write_text(text := next(texts))
        if text == "later":  # the other begins and ends while this one is at work
            bundled._convert("smollm2", bundled.directory_of("smollm2"))

    monkeypatch.setattr(bundled, "_unpack_text", unpack)
    monkeypatch.setattr(bundled, "weights_file", lambda _: home)
    folder = bundled.converted("smollm2")
    assert (folder / "vocab.txt").read_text() == "first"
    assert fingerprint(find_source("smollm2"))


def test_a_file_that_is_in_no_fingerprint_has_to_be_what_was_noted_too(home: Path, tiny: Model) -> None:
    folder = home / "models" / "own"
    shutil.copytree(tiny.id, folder)
    template = folder / "chat_template.jinja"
    template.write_text("{{ messages }}")
    note_checksums(folder)
    source = find_source(str(folder))
    sound = fingerprint(source)
    template.write_text("{{ message }}")
    with pytest.raises(
        UserError, match=r"chat_template\.jinja is damaged, or was changed by hand.*delete .*own/" + FILE
    ):
        fingerprint(source)
    (folder / FILE).unlink()  # it was meant
    assert fingerprint(source) == sound
    template.unlink()
    note_checksums(folder)
    assert fingerprint(source) == sound
