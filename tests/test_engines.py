"""What engines share: the same stores, indexes, tables and scans from pieces, and storage by URL."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest

from core import workspace
from core.activations import record_texts
from core.activations.ledger import Ledger
from core.activations.published import Published, publish_to
from core.activations.store import Store
from core.dictionaries.index import Index, build_index
from core.engines import Holder, LocalEngine, index_on, probe_all_on, record_on, scan_on
from core.engines.probing import SetPiece
from core.errors import UserError
from core.examples import Info, save_examples
from core.models import Model, open_model
from core.probing import probe_all
from core.tcav.known import known_target
from core.tcav.scan import scan
from tests import test_dictionaries_index as small
from tests.commands import fails, run
from tests.engine_pieces import contents
from tests.engine_scans import SETTINGS, asked, forget, measure
from tests.test_probing_sets import moods
from tests.tiny import tiny_directory

FEW = [f"Film {n} was good." for n in range(520)]
UNPOOLED = {"layers": [1], "pool": "none"}


@pytest.fixture(scope="module")
def opener(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Model]:
    return partial(open_model, str(tiny_directory(tmp_path_factory.mktemp("tiny"), "llama")))


@pytest.fixture
def local(opener: Callable[[], Model], home: Path) -> dict[str, bytes]:
    """What recording without an engine leaves; the workspace is empty again afterwards."""
    model = opener()
    (store,) = record_texts(model, FEW, [model.site(1)], pool="none")
    found = contents(store)
    for name in found:
        (store.path / name).unlink()
    return found


def test_an_engine_records_the_store_that_one_process_does(
    opener: Callable[[], Model], local: dict[str, bytes]
) -> None:
    (store,) = record_on(LocalEngine(), opener, FEW, **UNPOOLED)
    assert contents(store) == local
    assert len(local) == 4  # three shards and their manifest
    assert store.cached is False
    (store.path / "shard-00001.safetensors").write_bytes(b"damaged")
    (again,) = record_on(LocalEngine(), opener, FEW, **UNPOOLED)
    assert contents(again) == local
    assert again.repaired == ["shard-00001.safetensors"]
    (last,) = record_on(LocalEngine(), opener, FEW, **UNPOOLED)
    assert last.cached is True
    (mean, other) = record_on(LocalEngine(), opener, FEW, None)[1:3]
    assert (mean.recipe.layer, mean.recipe.pool, other.recipe.layer) == (1, "mean", 2)


@pytest.mark.parametrize("scheme", ["memory://engines", "file://"])
def test_stores_are_published_and_fetched(
    opener: Callable[[], Model], local: dict[str, bytes], tmp_path: Path, scheme: str
) -> None:
    url = f"{scheme}{tmp_path}/published"
    (store,) = record_on(LocalEngine(), opener, FEW, **UNPOOLED, storage=url, fetch=False)
    published = Published(url)
    assert not (store.path / "manifest.json").exists()
    assert sorted(published.entries(store)) == [0, 1, 2]
    published.fetch(store)
    assert contents(store) == local
    # The folder at the URL is a store by itself, manifest and all.
    for name, data in local.items():
        assert fsspec.open(f"{published.shown(store.recipe)}/{name}").open().read() == data
    for path in store.path.iterdir():
        path.unlink()
    (fetched,) = record_on(LocalEngine(), opener, FEW, **UNPOOLED, storage=url)
    assert fetched.cached is True
    assert contents(fetched) == local
    # What is here already is sent there.
    other = f"{scheme}{tmp_path}/other"
    (sent,) = record_on(LocalEngine(), opener, FEW, **UNPOOLED, storage=other)
    assert sent.cached is True
    assert Published(other).entries(store) == published.entries(store)


def test_half_a_shard_under_a_url_is_no_shard(
    opener: Callable[[], Model], local: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, entered = f"file://{tmp_path}/published", Published._write_json
    (store,) = record_on(LocalEngine(), opener, FEW, **UNPOOLED, storage=url, fetch=False)
    folder = tmp_path / "published" / "activations" / store.recipe.key
    published = Published(url)

    def stops(self: Published, path: str, value: Any) -> None:
        if "00001" in path:
            raise KeyboardInterrupt
        entered(self, path, value)

    for name in ("shard-00001.json", "shard-00001.safetensors", "manifest.json"):
        (folder / name).unlink()
    monkeypatch.setattr(Published, "_write_json", stops)
    with pytest.raises(KeyboardInterrupt):
        record_on(LocalEngine(), opener, FEW, **UNPOOLED, storage=url)
    monkeypatch.undo()
    assert (folder / "shard-00001.safetensors").exists()  # it is there, and nobody has said so
    assert sorted(published.entries(store)) == [0, 2]
    (folder / "shard-00001.json").write_text('{"file": "shard-0000')
    (folder / "shard-00000.safetensors").unlink()
    assert sorted(published.entries(store)) == [2]
    monkeypatch.setenv("CONCEPTSCOPE_HOME", str(tmp_path / "other"))
    (whole,) = record_on(LocalEngine(), opener, FEW, **UNPOOLED, storage=url)
    assert contents(whole) == local
    (folder / "shard-00002.safetensors").write_bytes(local["shard-00001.safetensors"])
    monkeypatch.setenv("CONCEPTSCOPE_HOME", str(tmp_path / "third"))
    with pytest.raises(UserError, match=r"shard-00002.safetensors is damaged; delete it"):
        record_on(LocalEngine(), opener, FEW, **UNPOOLED, storage=url)


def test_a_shard_is_there_before_its_entry(home: Path, opener: Callable[[], Model], monkeypatch: Any) -> None:
    order: list[str] = []
    monkeypatch.setattr(Published, "_write", lambda self, path, data: order.append(Path(path).name))
    model = opener()
    (store,) = record_texts(model, FEW[:3], [model.site(0)])
    numbers = dict.fromkeys(["texts", "tokens", "tokens_read", "sinks", "batch_tokens"], 1)
    publish_to("memory://order", store.recipe).put(0, store.shard(0), **numbers, nothing_kept=[])
    assert order == ["shard-00000.safetensors", "shard-00000.json"]


def test_many_shards_are_entered_at_once(home: Path, opener: Callable[[], Model], monkeypatch: Any) -> None:
    model = opener()
    (store,) = record_texts(model, FEW, [model.site(1)], pool="none")
    entries = store.entries()
    (store.path / "manifest.json").unlink()
    written: list[int] = []
    monkeypatch.setattr(Store, "publish_all", lambda self, entries: written.append(len(entries)))
    ledger = Ledger(store)
    for number, entry in entries.items():
        ledger.enter(number, entry)
    assert written == []
    ledger.close()
    ledger.close()
    assert written == [3]


def test_sets_are_probed_as_without_an_engine(home: Path, opener: Callable[[], Model]) -> None:
    for name, words in (("moods", ("good", "bad")), ("other", ("fine", "poor"))):
        save_examples(moods(*words, name), name)
    sets = [Info(id, id, "", 36, 36, "saved") for id in ("moods", "nowhere", "other")]
    settings: dict[str, Any] = {"methods": ("diffmean",), "controls": (), "sets": sets, "limit": 40}
    plain = probe_all(opener(), [1, 2], **settings)
    csv = Path(plain.csv).read_bytes()
    for path in workspace.place("results", "x").parent.iterdir():
        path.unlink()
    found = probe_all_on(LocalEngine(), opener, [1, 2], **settings)
    assert found.results == plain.results
    assert len(found.results) == 4
    assert [one.examples_id for one in found.skipped] == ["nowhere"]
    assert found.computed == 2
    assert Path(found.csv).read_bytes() == csv
    assert probe_all(opener(), [1, 2], **settings).computed == 0  # it finds what the engine left


def test_a_set_whose_answer_is_here_is_not_handed_out(
    home: Path, opener: Callable[[], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, words in (("moods", ("good", "bad")), ("other", ("fine", "poor"))):
        save_examples(moods(*words, name), name)
    sets = [Info(id, id, "", 36, 36, "saved") for id in ("moods", "nowhere", "other")]
    settings: dict[str, Any] = {"methods": ("diffmean",), "controls": (), "limit": 40}
    first = probe_all(opener(), [1], sets=sets[:1], **settings)
    asked: list[str] = []

    def done_by(self: SetPiece, holder: Holder) -> Any:  # of a worker that does not see this workspace
        asked.append(self.id)
        found, _, digest = doing(self, holder)
        for path in {*workspace.place("results", "x").parent.iterdir()} - kept:
            path.unlink()
        return found, False, digest

    doing = SetPiece.done_by
    kept = {*workspace.place("results", "x").parent.iterdir()}
    monkeypatch.setattr(SetPiece, "done_by", done_by)
    found = probe_all_on(LocalEngine(), opener, [1], sets=sets, **settings)
    assert asked == ["nowhere", "other"]
    assert [row.examples_id for row in found.results] == ["moods", "other"]
    assert found.results[0] == first.results[0]
    assert ([one.examples_id for one in found.skipped], found.computed) == (["nowhere"], 1)
    again = probe_all_on(LocalEngine(), opener, [1], sets=sets, **settings)
    assert asked[2:] == ["nowhere"]
    assert (again.results, again.computed) == (found.results, 0)


def test_an_answer_about_other_texts_is_refused(
    home: Path, opener: Callable[[], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    save_examples(moods("good", "bad", "moods"), "moods")
    doing = SetPiece.done_by

    def done_by(self: SetPiece, holder: Holder) -> Any:  # of a worker with a workspace of its own
        there = home.parent / "there"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CONCEPTSCOPE_HOME", str(there))
            save_examples(moods("fine", "poor", "moods"), "moods", replace=True)
            found, _, digest = doing(self, holder)
        return found, False, digest

    monkeypatch.setattr(SetPiece, "done_by", done_by)
    settings: dict[str, Any] = {"methods": ("diffmean",), "controls": (), "limit": 40}
    sets = [Info("moods", "moods", "", 36, 36, "saved")]
    found = probe_all_on(LocalEngine(), opener, [1], sets=sets, **settings)
    assert found.results == ()
    assert "moods holds other texts where the workers are" in found.skipped[0].reason
    assert all(path.name.startswith("probe-all") for path in workspace.place("results", "x").parent.iterdir())


def test_an_index_is_the_same_bit_for_bit(home: Path, opener: Callable[[], Model]) -> None:
    model, texts = opener(), small.make_texts(300)
    dictionary = small.bound(model, small.topk())
    (store,) = record_texts(model, texts, [model.site(small.LAYER)], pool="none")
    for source in (None, store):
        folder = build_index(model, dictionary, small.indexed(texts), small.SMALL, store=source)
        plain = {name: np.array(array) for name, array in Index(folder).columns.items()}
        windows = [Index(folder).windows(feature) for feature in range(small.M)]
        for path in folder.iterdir():
            path.unlink()
        asked = (model, dictionary, small.indexed(texts), small.SMALL)
        again = index_on(LocalEngine(), opener, *asked, store=source)
        assert again == folder
        for name, array in Index(again).columns.items():
            np.testing.assert_array_equal(array, plain[name], err_msg=name)
        for feature, wanted in enumerate(windows):
            np.testing.assert_array_equal(Index(again).windows(feature), wanted)


def test_a_scan_is_the_same(home_with_model: Path, opener: Callable[[], Model]) -> None:
    model = opener()
    measure(model)
    sets, inputs = asked()
    target = known_target(model, "the,a|and,of")
    plain = scan(model, sets, target, inputs, 1, settings=SETTINGS, pushed=0)
    forget()
    found = scan_on(LocalEngine(), opener, model, sets, target, inputs, 1, settings=SETTINGS, pushed=0)
    assert found["cached"] is False
    assert found["results"] == plain["results"]
    assert found["notes"] == plain["notes"]
    assert len(found["results"]) == 2
    again = scan_on(LocalEngine(), opener, model, sets, target, inputs, 1, settings=SETTINGS, pushed=0)
    assert again["cached"] is True


def test_the_command_line_publishes_and_says_what_is_wrong(
    home_with_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, file = str(tiny_directory(tmp_path, "llama")), tmp_path / "texts.txt"
    file.write_text("\n".join(FEW[:20]))
    arguments = ("record", model, "--texts", str(file), "--layers", "1")
    plain = run(capsys, *arguments)
    url = f"file://{tmp_path}/there"
    left = run(capsys, *arguments, "--pool", "last", "--storage", url, "--no-fetch")
    assert left["path"].startswith(url)
    assert set(left) == set(plain)
    assert (left["n_texts"], left["cached"], left["width"]) == (20, False, None)
    fetched = run(capsys, *arguments, "--pool", "last", "--storage", url)
    assert fetched["cached"] is True
    assert {**fetched, "path": ""} | {"seconds": 0} == {**plain, "path": ""} | {
        **{"seconds": 0, "cached": True, "pool": "last"}
    }
    manifest = json.loads((Path(fetched["path"]) / "manifest.json").read_text())
    assert set(manifest) == set(json.loads((Path(plain["path"]) / "manifest.json").read_text()))
    assert "--address is for --engine ray" in fails(capsys, *arguments, "--address", "local")
    assert "--no-fetch is for --storage" in fails(capsys, *arguments, "--no-fetch")
    assert "cannot be opened" in fails(capsys, *arguments, "--storage", "nothing-like-this://x")
    assert "--layers takes numbers" in fails(capsys, *arguments[:-1], "one", "--storage", url)
    assert "has no layer 9" in fails(capsys, *arguments[:-1], "9", "--storage", url)
    assert "is for --examples all" in fails(
        capsys, "probe", model, "--examples", str(file), "--engine", "ray", "--workers", "2"
    )
    monkeypatch.setattr("core.engines.connecting.find_spec", lambda name: None)
    assert "Ray is not installed here" in fails(capsys, *arguments, "--engine", "ray")
