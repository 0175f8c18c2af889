"""Spaces: what one user of a server has, another never meets; the shared library is read by all and changed by none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from core import jobs, spaces, workspace
from core.activations import read_arrays, read_result, write_result
from core.dictionaries import delete_dictionary, list_dictionaries, open_dictionary
from core.dictionaries.index.notes import notes_of, say, undo
from core.directions import delete_direction, list_directions, load_direction, rename_direction, save_direction
from core.errors import UserError
from core.examples import (
    catalogue,
    delete_examples,
    list_images,
    list_saved,
    open_examples,
    open_images,
    rename_examples,
)
from core.spaces import within
from core.steering import list_recipes, load_recipe
from tests.made_directions import direction
from tests.people import save_all, state_of

HOSTILE = (
    "../../{b}",
    "../{b}/directions/hers",
    "/etc/passwd",
    "{b}",
    "hers/../../{b}",
    "h\u0435rs",
    "\uff48ers",
    "..",
)


@pytest.fixture
def shared(home: Path) -> Path:
    """A workspace whose owner has put one of each kind into it."""
    save_all("ours")
    return workspace.shared()


LISTS: dict[str, Callable[[], object]] = {
    "examples": lambda: [one.id for one in list_saved()],
    "images": lambda: [one.id.removeprefix("saved/") for one in list_images() if one.subject == "saved"],
    "directions": lambda: [one.name for one in list_directions()],
    "recipes": list_recipes,
    "dictionaries": lambda: [one.name for one in list_dictionaries() if one.folder.is_relative_to(workspace.shared())],
    "notes": lambda: [note.label for note in notes_of("key").values()],
}
OPENING: dict[str, Callable[[str], object]] = {
    "examples": open_examples,
    "images": lambda name: open_images(f"saved/{name}"),
    "directions": load_direction,
    "recipes": load_recipe,
    "dictionaries": open_dictionary,
}
CHANGES: dict[str, Callable[[str], object]] = {
    "delete examples": delete_examples,
    "rename examples": lambda name: rename_examples(name, "other"),
    "delete a direction": delete_direction,
    "rename a direction": lambda name: rename_direction(name, "other"),
    "delete a dictionary": delete_dictionary,
}


@pytest.mark.parametrize("kind", LISTS)
def test_one_users_things_are_in_no_list_of_another(kind: str, shared: Path) -> None:
    with within("anna-1"):
        save_all("hers")
        assert set(LISTS[kind]()) >= {"hers"}
    with within("bert-1"):
        assert set(LISTS[kind]()) == {"ours"}
    assert set(LISTS[kind]()) == {"ours"}, "the owner's own workspace lists nothing of a user"


@pytest.mark.parametrize("kind", OPENING)
def test_one_users_things_open_for_nobody_else(kind: str, shared: Path) -> None:
    with within("anna-1"):
        save_all("hers")
        own = OPENING[kind]("hers")
    with within("bert-1"):
        assert OPENING[kind]("ours")
        there = workspace.shared() / "users" / "anna-1"
        names = ["hers", *(name.format(b="anna-1") for name in HOSTILE), *map(str, there.rglob("*"))]
        for name in names:
            with pytest.raises(UserError) as refused:
                OPENING[kind](name)
            assert "hers wrote" not in str(refused.value)
    assert own


def test_results_are_those_of_the_library_and_ones_own(shared: Path) -> None:
    with within("anna-1"):
        assert read_result("ab" * 12) == {"by": "ours"}
        assert read_arrays("cd" * 12) is not None
        write_result("ef" * 12, {"by": "hers"})
        write_result("ab" * 12, {"by": "hers"})
        assert read_result("ab" * 12) == {"by": "hers"}
    with within("bert-1"):
        assert read_result("ef" * 12) is None
        assert read_result("ab" * 12) == {"by": "ours"}


def test_the_library_is_changed_by_nothing_a_user_does(shared: Path) -> None:
    before = state_of(shared)
    with within("anna-1"):
        save_all("hers")
        for change in CHANGES.values():
            with pytest.raises(UserError, match="belongs to the shared library"):
                change("ours")
        # The same name, of one's own: it hides what the library has until it goes.
        save_direction(direction("ours", seed=3))
        assert load_direction("ours").digest == direction("ours", seed=3).digest
        delete_direction("ours")
        assert load_direction("ours").provenance["examples"]["title"] == "ours"
        say("key", 1, label="mine")
        assert [note.label for note in notes_of("key").values()] == ["mine"]
        assert undo("key") == 1
        with pytest.raises(UserError, match="outside your own space"):
            workspace.write_bytes(shared / "results" / "x.json", b"{}")
        with pytest.raises(UserError, match="outside your own space"):
            workspace.write_bytes(shared.parent / "x.json", b"{}")
    assert state_of(shared) == before


@pytest.mark.parametrize("folder", ["jobs", "prompts", "users", "parts", "locks", "."])
def test_only_the_librarys_folders_are_shared(folder: str, shared: Path) -> None:
    (shared / folder).mkdir(exist_ok=True)
    (shared / folder / "x.json").write_text("{}")
    with within("anna-1"):
        assert not workspace.found(folder, "x.json").exists()
        assert workspace.listed(folder, "*.json") == []
        with pytest.raises(UserError, match="no files of its own"):
            workspace.readable(shared / folder / "x.json")


def test_what_the_owner_put_away_is_not_in_the_library(shared: Path) -> None:
    delete_examples("ours")
    (away,) = (shared / "examples" / "deleted").glob("*.jsonl")
    with within("anna-1"):
        with pytest.raises(UserError, match="no files of its own"):
            workspace.readable(away)
        with pytest.raises(UserError, match="no examples"):
            open_examples("ours")


def test_a_link_in_the_library_leads_nowhere_else(shared: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("text,label\na,0\nb,1\n")
    (shared / "examples" / "link.csv").symlink_to(secret)
    with within("anna-1"):
        assert not workspace.found("examples", "link.csv").exists()
        with pytest.raises(UserError):
            open_examples(str(shared / "examples" / "link.csv"))


def test_a_job_has_its_space_from_its_surroundings(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(spaces.VARIABLE, "anna-1")
    assert workspace.home() == workspace.shared() / "users" / "anna-1"


def test_where_nobody_is_signed_in_nothing_is_read_or_written(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise UserError("Sign in first.")

    monkeypatch.setattr(spaces, "_ask", nobody)
    for ask in (workspace.home, catalogue, list_directions, lambda: load_direction("ours"), jobs.jobs):
        with pytest.raises(UserError, match="Sign in first"):
            ask()


@pytest.mark.parametrize("name", ["..", "a/b", "Anna", "a.b", "é", "x" * 65, "-a", "a\n"])
def test_what_cannot_be_a_space(name: str, home: Path) -> None:
    with pytest.raises(UserError, match="cannot be the name of a space"), within(name):
        pass
    assert spaces.space() == ""


def test_threads_have_spaces_of_their_own(home: Path) -> None:
    seen: dict[str, Path] = {}
    both = threading.Barrier(2)

    def work(name: str) -> None:
        with within(name):
            both.wait(10)
            seen[name] = workspace.home()

    threads = [threading.Thread(target=work, args=(name,)) for name in ("anna-1", "bert-1")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert {name: path.name for name, path in seen.items()} == {"anna-1": "anna-1", "bert-1": "bert-1"}
