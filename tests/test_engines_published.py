"""What may go wrong between a worker, a storage and the asking process: nothing of it is kept in silence."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import fsspec
import pytest

from core import spaces
from core.activations import ledger as ledgers
from core.activations import record_texts
from core.activations.ledger import Ledger
from core.activations.published import Published, publish_to
from core.activations.store import Store
from core.engines import LocalEngine, record_on
from core.engines.recording import Unentered
from core.errors import UserError
from core.models import Model, open_model
from tests.engine_pieces import contents
from tests.tiny import tiny_directory

FEW = [f"Film {n} was good." for n in range(520)]
UNPOOLED: dict[str, Any] = {"layers": [1], "pool": "none"}


@pytest.fixture(scope="module")
def opener(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Model]:
    return partial(open_model, str(tiny_directory(tmp_path_factory.mktemp("tiny"), "llama")))


@pytest.fixture
def recorded(home: Path, opener: Callable[[], Model]) -> Store:
    """A store of three shards."""
    model = opener()
    return record_texts(model, FEW, [model.site(1)], pool="none")[0]


def without_manifest(store: Store) -> Store:
    (store.path / "manifest.json").unlink()
    return Store(store.recipe)


def test_a_storage_that_workers_have_to_themselves_is_told_at_the_first_shard(
    home: Path, opener: Callable[[], Model], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made: list[int] = []

    def of_another_machine(url: str, recipe: Any) -> Any:
        made.append(1)
        return publish_to(f"memory://{tmp_path}/elsewhere", recipe)

    monkeypatch.setattr("core.engines.recording.publish_to", of_another_machine)
    url = f"memory://{tmp_path}/here"
    with pytest.raises(UserError, match=f"{url}/activations/.* lacks shard-00000.safetensors, which a worker has"):
        record_on(LocalEngine(), opener, FEW, **UNPOOLED, storage=url, fetch=False)
    assert len(made) == 1


def test_a_store_is_not_finished_without_every_shard(recorded: Store, tmp_path: Path) -> None:
    published = Published(f"file://{tmp_path}/there")
    folder = tmp_path / "there" / "activations" / recorded.recipe.key
    for number in (0, 2):
        published.send(recorded, number)
    with pytest.raises(UserError, match=f"{tmp_path}/there/activations/.* lacks shard-00001"):
        published.finish(recorded)
    (folder / "shard-00001.json").write_text("{}")
    with pytest.raises(UserError, match=r"shard-00001.json is damaged"):
        published.finish(recorded)
    assert not (folder / "manifest.json").exists()
    published.send(recorded, 1)
    published.finish(recorded)
    assert (folder / "manifest.json").read_bytes() == (recorded.path / "manifest.json").read_bytes()


@pytest.mark.parametrize("space", ["", "anna"])
def test_what_waits_is_entered_though_nothing_else_ends(
    recorded: Store, monkeypatch: pytest.MonkeyPatch, space: str
) -> None:
    entries = recorded.entries()
    without_manifest(recorded)
    with spaces.within(space):
        store = Store(recorded.recipe)
        monkeypatch.setattr(ledgers, "EVERY", 0.2)
        ledger = Ledger(store)
        for number, entry in entries.items():
            ledger.enter(number, entry)
        manifest = store.path / "manifest.json"
        assert not manifest.exists()
        for _ in range(200):
            if manifest.exists():
                break
            time.sleep(0.05)
        assert Store(recorded.recipe).entries() == entries
        assert ("users/anna" in str(manifest)) is bool(space)


def test_what_could_not_be_entered_in_time_is_entered_or_told(recorded: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    entries, tried = recorded.entries(), []
    store = without_manifest(recorded)

    def full(self: Store, found: Any) -> None:
        tried.append(list(found))
        raise UserError("The disk is full.")

    with monkeypatch.context() as there:
        there.setattr(ledgers, "EVERY", 0.0)
        there.setattr(Store, "publish_all", full)
        ledger = Ledger(store)
        with pytest.raises(UserError, match="full"):
            ledger.enter(0, entries[0])
        with pytest.raises(UserError, match="full"):
            ledger.close()
        ledger._ring()
    assert tried == [[0]] * 3
    ledger.close()
    assert list(store.entries()) == [0]


def test_of_two_who_write_one_shard_no_mixture_is_believed(
    recorded: Store, home: Path, opener: Callable[[], Model]
) -> None:
    expected, tensors, entry = contents(recorded), recorded.shard(0), asdict(recorded.entry(0))
    about = {name: entry[name] for name in entry if name not in ("file", "sha256")}
    worker = Unentered(recorded.recipe)
    worker.put(0, {**tensors, "activations": tensors["activations"] + 1}, **about)
    recorded.put(0, tensors, **about)  # another program, between the worker's writing and its being entered
    with Ledger(recorded) as ledger:
        ledger.enter(0, worker.made[0])
    with pytest.raises(UserError, match=r"shard-00000.safetensors is damaged; record the same texts again"):
        recorded.shard(0)
    (again,) = record_on(LocalEngine(), opener, FEW, **UNPOOLED)
    assert again.repaired == ["shard-00000.safetensors"]
    assert contents(again) == expected


def test_what_was_fetched_before_a_damaged_shard_stays(recorded: Store, tmp_path: Path) -> None:
    published = Published(f"file://{tmp_path}/there")
    for number in range(3):
        published.send(recorded, number)
    (tmp_path / "there" / "activations" / recorded.recipe.key / "shard-00002.safetensors").write_bytes(b"x")
    store = without_manifest(recorded)
    with pytest.raises(UserError, match=r"shard-00002.safetensors is damaged; delete it"):
        published.fetch(store)
    assert sorted(store.entries()) == [0, 1]


@pytest.mark.parametrize(
    "change",
    [
        {"tokens": "many"},
        {"tokens": True},
        {"tokens": -1},
        {"tokens": 10**9},
        {"tokens_read": 10**9},
        {"sinks": None},
        {"texts": 7},
        {"batch_tokens": 0},
        {"nothing_kept": "none"},
        {"nothing_kept": [519]},
        {"nothing_kept": ["0"]},
        {"sha256": 5},
        {"sha256": "../x"},
        {"file": "shard-00001.safetensors"},
        {"more": 1},
    ],
)
def test_an_entry_that_cannot_be_is_not_believed(recorded: Store, tmp_path: Path, change: dict[str, Any]) -> None:
    published = Published(f"file://{tmp_path}/there")
    published.send(recorded, 0)
    path = tmp_path / "there" / "activations" / recorded.recipe.key / "shard-00000.json"
    entry = asdict(recorded.entry(0))
    path.write_text(json.dumps(entry))
    assert published.entries(recorded) == {0: recorded.entry(0)}
    path.write_text(json.dumps(entry | change))
    assert published.entries(recorded) == {}
    path.with_name("shard-00007.json").write_text(json.dumps(entry | {"file": "shard-00007.safetensors", "texts": 0}))
    path.with_name("shard-00007.safetensors").write_bytes(b"")
    assert published.entries(recorded) == {}


@pytest.mark.parametrize("url", ["reference://x", "github://x", "dir://x", "generic://x", "filecache://x", "odd://x"])
def test_a_storage_that_cannot_be_opened_is_told(url: str) -> None:
    with pytest.raises(UserError, match=r"--storage cannot be opened \(.+\); name a URL"):
        Published(url)


def test_a_storage_that_cannot_be_written_is_told(home: Path, opener: Callable[[], Model]) -> None:
    with pytest.raises(UserError, match="cannot be read or written: Read only filesystem"):
        record_on(LocalEngine(), opener, FEW[:3], **UNPOOLED, storage="data:,x")
    published = Published("data:,x")
    with pytest.raises(UserError, match=r"cannot be read or written: NotImplementedError\."), published._told("x"):
        published._files.ls("x")
    with pytest.raises(UserError, match=r"^Said already\.$"), published._told("x"):
        raise UserError("Said already.")


def test_only_what_lies_in_a_folder_is_written_as_a_file(tmp_path: Path) -> None:
    path = f"{tmp_path}/there/x"
    published = Published(f"filecache::memory://{tmp_path}/there")
    assert "file" in published._files.protocol  # which is a word here, and says nothing of files
    published._write(path, b"data")
    assert not Path(path).exists()
    assert fsspec.filesystem("memory").cat_file(path) == b"data"
