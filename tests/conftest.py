"""What all tests share: a workspace of their own, and models opened once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core import workspace
from core.models import Model, open_model
from core.models.bundled import BUNDLED, directory_of
from tests.tiny import tiny_directory

if TYPE_CHECKING:
    from core.accounts import Account
    from core.accounts.signed_in import Doorkeeper
    from tests.people import Clock

# Before anything imports transformers: no test asks the network for anything.
os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(scope="session")
def prepared_home() -> Path:
    """The workspace that `make setup` filled. Tests read from it and never write to it."""
    return workspace.home()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty workspace for one test."""
    path = tmp_path / "home"
    monkeypatch.setenv("CONCEPTSCOPE_HOME", str(path))
    return path


@pytest.fixture
def home_with_model(home: Path, prepared_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty workspace, but for the converted bundled model and what is known of the bundled examples."""
    for name in BUNDLED:
        with monkeypatch.context() as there:
            there.setenv("CONCEPTSCOPE_HOME", str(prepared_home))
            made = directory_of(name)
        if made.is_dir():
            shutil.copytree(made, directory_of(name), copy_function=_link)
    bundled_examples = prepared_home / "examples" / "bundled"
    if bundled_examples.is_dir():
        shutil.copytree(bundled_examples, workspace.place("examples", "bundled"))
    return home


@pytest.fixture
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing that takes no time."""
    from core.accounts import passwords

    monkeypatch.setattr(passwords, "COST", 1 << 4)


@pytest.fixture
def clock() -> Clock:
    from tests.people import Clock

    return Clock()


@pytest.fixture
def door(home: Path, clock: Clock) -> Doorkeeper:
    """Of a server with two accounts, whose time is that of `clock`."""
    from core.accounts import add_account
    from core.accounts.signed_in import Doorkeeper
    from tests.people import WORDS

    for name, word in WORDS.items():
        add_account(name, word)
    return Doorkeeper(clock)


@pytest.fixture
def fresh_door(cheap_passwords: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody has tried the door of a server yet, and nothing is in the pages' memory."""
    from core.accounts import signed_in
    from core.accounts.signed_in import Doorkeeper
    from pages.shared import door
    from tests.pages import forget

    monkeypatch.setitem(signed_in.__globals__, "_here", Doorkeeper(lambda: 1000.0))  # no time passes
    monkeypatch.setattr(door, "_address", lambda: "192.0.2.1")
    door._listens_beyond.cache_clear()
    forget()
    yield
    door._listens_beyond.cache_clear()
    forget()


@pytest.fixture
def people(home_with_model: Path, fresh_door: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, Account]:
    """A serving workspace with two accounts, of which Anna has saved one of each kind of thing."""
    from core.accounts import add_account
    from core.spaces import within
    from tests.people import HERS, WORDS, save_all

    made = {name: add_account(name, word) for name, word in WORDS.items()}
    with within(made["anna"].space):
        save_all(HERS)
        shutil.copytree(directory_of("smollm2"), workspace.place("exports", HERS), copy_function=_link)
    monkeypatch.setenv("CONCEPTSCOPE_SERVE", "1")
    return made


def _link(source: str, target: str) -> None:
    """A hard link, since a symbolic one would lead out of the workspace; a copy across file systems."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@pytest.fixture(scope="session")
def smollm2() -> Model:
    """The bundled model, opened once for all tests. It is shared: leave it as it was."""
    return open_model("smollm2")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A tiny random Llama with a real tokenizer, opened from its directory as a user's model would be."""
    directory = tmp_path_factory.mktemp("tiny")
    patch = pytest.MonkeyPatch()
    patch.setenv("CONCEPTSCOPE_HOME", str(directory / "home"))
    try:
        return open_model(str(tiny_directory(directory, "llama")))
    finally:
        patch.undo()
