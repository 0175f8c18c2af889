"""Stores hold the right numbers, resume byte for byte, notice damage and never grow past what is needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from core import workspace
from core.activations import Store, record_texts
from core.activations import recipe as recipes
from core.activations.pooling import pool_batch
from core.errors import UserError
from core.models import Model, batch, record, tokenize
from core.progress import Progress
from tests import reference

TEXTS = [f"The film number {n} was {'good ' * (n % 7)}and then {'bad ' * (n % 11)}it ended." for n in range(40)]


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores of several shards and batches from a few texts."""
    monkeypatch.setattr("core.activations.recipe.shard_size", lambda model, pool, max_length: 8)
    monkeypatch.setitem(recipes.BATCH_TOKENS, "cpu", 64)


def contents(store: Store) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(store.path.iterdir())}


@pytest.mark.parametrize("all_positions", [False, True])
@pytest.mark.parametrize("pool", ["mean", "last", "none"])
def test_a_store_equals_the_slow_definition(
    tiny: Model, home: Path, small_shards: None, pool: str, all_positions: bool
) -> None:
    site = tiny.site(1)
    (store,) = record_texts(tiny, TEXTS, [site], pool=pool, all_positions=all_positions)  # type: ignore[arg-type]
    row = 0
    for shard in store:
        for place in range(len(shard["offsets"]) if pool == "none" else len(shard["activations"])):
            ids = tokenize(tiny, [TEXTS[row]], 256)[0]
            h = record(tiny, batch(tiny, [ids]), [site])[site][0].numpy()
            kept = reference.kept_tokens(h, ids, tiny.special_ids, all_positions)
            expected = reference.pooled(h, kept, pool)
            if pool == "none":
                starts = [*shard["offsets"].tolist(), len(shard["token_ids"])]
                here = slice(starts[place], starts[place + 1])
                assert shard["token_ids"][here].tolist() == [ids[t] for t in kept]
                found = shard["activations"][here].numpy()
            else:
                found = shard["activations"][place].numpy()
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.linalg.norm(h[-1]))
            row += 1
    assert row == len(TEXTS) == store.n_texts
    assert set(load_file(store.path / "shard-00000.safetensors")) == (
        {"activations", "token_ids", "offsets"} if pool == "none" else {"activations"}
    )


def test_sinks_are_left_out_and_counted(tiny: Model, home: Path) -> None:
    site = tiny.site(0)
    sink = tiny.tokenizer(" river")["input_ids"][0]
    embedding = tiny.network.get_input_embeddings().weight
    kept = embedding[sink].clone()
    try:
        with torch.no_grad():
            embedding[sink] *= 1000
        texts = ["They walked along the river until the rain began.", "The food was bad."]
        (store,) = record_texts(tiny, texts, [site], pool="none")
        occurrences = tiny.tokenizer(texts[0])["input_ids"][1:].count(sink)
        assert occurrences >= 1
        assert sink not in store.shard(0)["token_ids"]
        assert store.n_sinks == occurrences
        (whole,) = record_texts(tiny, texts, [site], pool="none", all_positions=True)
        assert sink in whole.shard(0)["token_ids"]
        assert whole.n_sinks == 0
    finally:
        with torch.no_grad():
            embedding[sink] = kept


def test_a_text_of_one_token_is_said_to_hold_nothing(tiny: Model, home: Path) -> None:
    texts = ["a", "The food was bad."]
    (store,) = record_texts(tiny, texts, [tiny.site(0)])
    found = store.load()
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()
    assert store.entries()[0].nothing_kept == [0]


def test_one_pass_serves_all_sites_and_only_what_is_missing(
    tiny: Model, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    inner = record

    def spy(model: Model, inputs: dict[str, torch.Tensor], sites: list) -> dict:
        asked.append([str(site) for site in sites])
        return inner(model, inputs, sites)

    monkeypatch.setattr("core.activations.extract.record", spy)
    first = record_texts(tiny, TEXTS, [tiny.site(0), tiny.site(1)])
    assert {tuple(sites) for sites in asked} == {(str(tiny.site(0)), str(tiny.site(1)))}
    assert [store.cached for store in first] == [False, False]
    asked.clear()
    again = record_texts(tiny, TEXTS, [tiny.site(1), tiny.site(0)])
    assert asked == []
    assert [store.cached for store in again] == [True, True]
    np.testing.assert_array_equal(again[0].load(), first[1].load())
    third = record_texts(tiny, TEXTS, [tiny.site(0), tiny.site(2)])
    assert {tuple(sites) for sites in asked} == {(str(tiny.site(2)),)}
    assert [store.cached for store in third] == [True, False]


def test_a_stopped_recording_goes_on_and_equals_an_undisturbed_one(
    tiny: Model, home: Path, small_shards: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tiny.site(1)
    (whole,) = record_texts(tiny, TEXTS, [site], pool="none")
    expected = contents(whole)
    monkeypatch.setenv("CONCEPTSCOPE_HOME", str(home / "other"))

    def stop(after: int) -> Callable[[Progress], None]:
        def listen(moment: Progress) -> None:
            if moment.done >= after:
                raise KeyboardInterrupt

        return listen

    for after in (3, 11, 20, 33):
        with pytest.raises(KeyboardInterrupt):
            record_texts(tiny, TEXTS, [site], pool="none", progress=stop(after))
    (resumed,) = record_texts(tiny, TEXTS, [site], pool="none")
    assert contents(resumed) == expected
    assert not list((home / "other").rglob("*.part"))


def test_a_flipped_byte_is_found_named_and_mended(tiny: Model, home: Path, small_shards: None) -> None:
    site = tiny.site(1)
    (store,) = record_texts(tiny, TEXTS, [site])
    expected = contents(store)
    victim = store.path / "shard-00002.safetensors"
    data = bytearray(victim.read_bytes())
    data[-3] ^= 1
    victim.write_bytes(data)
    assert store.damaged() == ["shard-00002.safetensors"]
    with pytest.raises(UserError, match=r"shard-00002\.safetensors is damaged"):
        store.load()
    (mended,) = record_texts(tiny, TEXTS, [site])
    assert mended.repaired == ["shard-00002.safetensors"]
    assert contents(mended) == expected
    victim.unlink()
    with pytest.raises(UserError, match=r"shard-00002\.safetensors is missing"):
        store.load()


def test_a_shard_written_but_not_entered_is_made_again(tiny: Model, home: Path, small_shards: None) -> None:
    (store,) = record_texts(tiny, TEXTS, [tiny.site(1)])
    expected = contents(store)
    manifest = workspace.read_json(store.path / "manifest.json") or {}
    del manifest["shards"]["3"]
    workspace.write_json(store.path / "manifest.json", manifest)
    with pytest.raises(UserError, match="not complete"):
        store.load()
    (again,) = record_texts(tiny, TEXTS, [tiny.site(1)])
    assert not again.cached
    assert contents(again) == expected


def test_several_writers_fill_one_store(tiny: Model, home: Path, small_shards: None) -> None:
    site = tiny.site(1)
    (alone,) = record_texts(tiny, TEXTS, [site])
    expected = contents(alone)
    for path in alone.path.iterdir():
        path.unlink()
    writers = [
        threading.Thread(target=record_texts, args=(tiny, TEXTS, [site]), kwargs={"writer": (i, 3)}) for i in range(3)
    ]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    assert alone.is_complete()
    assert contents(alone) == expected


@pytest.mark.parametrize("change", ["fingerprint", "site", "pool", "max_length", "corpus", "dtype", "all_positions"])
def test_everything_that_matters_is_in_the_key(tiny: Model, home: Path, change: str) -> None:
    recipe = record_texts(tiny, TEXTS[:3], [tiny.site(1)])[0].recipe
    other = {"max_length": 7, "all_positions": True}.get(change, "other")
    assert replace(recipe, **{change: other}).key != recipe.key


def test_order_of_texts_is_part_of_the_corpus() -> None:
    assert recipes.corpus_hash(["a", "b"]) != recipes.corpus_hash(["b", "a"])
    assert recipes.corpus_hash(["ab", "c"]) != recipes.corpus_hash(["a", "bc"])


def test_the_batch_halves_itself_when_memory_runs_out(
    tiny: Model, home: Path, small_shards: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tiny.site(1)
    (whole,) = record_texts(tiny, TEXTS, [site])
    expected = whole.load()
    monkeypatch.setenv("CONCEPTSCOPE_HOME", str(home / "small"))
    inner = record

    def cramped(model: Model, inputs: dict[str, torch.Tensor], sites: list) -> dict:
        if len(inputs["input_ids"]) > 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")
        return inner(model, inputs, sites)

    monkeypatch.setattr("core.activations.extract.record", cramped)
    (store,) = record_texts(tiny, TEXTS, [site])
    np.testing.assert_allclose(store.load(), expected, rtol=1e-4, atol=1e-6)
    assert any(entry.batch_tokens < 64 for entry in store.entries().values())

    def hopeless(model: Model, inputs: dict[str, torch.Tensor], sites: list) -> dict:
        raise torch.OutOfMemoryError("no room at all")

    monkeypatch.setattr("core.activations.extract.record", hopeless)
    with pytest.raises(UserError, match="not enough memory"):
        record_texts(tiny, TEXTS, [tiny.site(2)])
    assert store.damaged() == []


def test_activations_that_are_not_finite_are_named(tiny: Model, home: Path) -> None:
    weight = tiny.network.get_input_embeddings().weight
    token = tiny.tokenizer(" river")["input_ids"][0]
    kept = weight[token].clone()
    try:
        with torch.no_grad():
            weight[token] = torch.inf
        with pytest.raises(UserError, match=r"Text 1 has activations at model\.layers\.0 output that are not finite"):
            record_texts(tiny, ["The food was bad.", "They walked along the river."], [tiny.site(0)])
    finally:
        with torch.no_grad():
            weight[token] = kept


def test_many_unpooled_sites_take_several_passes_and_give_the_same(
    tiny: Model, home: Path, small_shards: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites = [tiny.site(layer, kind) for layer in (0, 1) for kind in ("before", "after", "mlp")]
    expected = [contents(store) for store in record_texts(tiny, TEXTS, sites, pool="none")]
    monkeypatch.setenv("CONCEPTSCOPE_HOME", str(home / "again"))
    monkeypatch.setattr("core.activations.extract.SITES_AT_ONCE", 2)
    heard: list[Progress] = []
    found = record_texts(tiny, TEXTS, sites, pool="none", progress=heard.append)
    assert [contents(store) for store in found] == expected
    assert (heard[-1].done, heard[-1].total) == (len(TEXTS), len(TEXTS))


def test_progress_counts_up_to_the_whole(tiny: Model, home: Path, small_shards: None) -> None:
    heard: list[Progress] = []
    record_texts(tiny, TEXTS, [tiny.site(0)], progress=heard.append)
    done = [moment.done for moment in heard]
    assert done == sorted(done)
    assert (heard[-1].done, heard[-1].total) == (len(TEXTS), len(TEXTS))


def test_a_bad_text_is_named_by_its_place_in_the_whole(tiny: Model, home: Path, small_shards: None) -> None:
    with pytest.raises(UserError, match="Text 21 "):
        record_texts(tiny, [*TEXTS[:21], "", *TEXTS], [tiny.site(0)])


def test_bad_questions_get_a_sentence(tiny: Model, home: Path) -> None:
    with pytest.raises(UserError, match="no pool 'max'"):
        record_texts(tiny, TEXTS, [tiny.site(0)], pool="max")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="Text 1"):
        record_texts(tiny, ["a b c", ""], [tiny.site(0)])
    with pytest.raises(UserError, match="use 2 or more"):
        record_texts(tiny, TEXTS, [tiny.site(0)], max_length=1)


def test_what_is_left_out_of_a_mean_may_have_overflowed() -> None:
    rng = torch.Generator().manual_seed(0)
    h = torch.randn((5, 9, 7), generator=rng)
    kept = torch.rand((5, 9), generator=rng) < 0.6
    kept[:, 0], kept[:, 1] = False, True
    before = torch.bmm((kept.float() / kept.sum(dim=1)[:, None])[:, None, :], h)[:, 0]  # as the weights alone have it
    assert torch.equal(torch.stack(pool_batch(h, kept, "mean")), before)
    h[:, 0], h[2, 0] = torch.inf, torch.nan
    assert torch.equal(torch.stack(pool_batch(h, kept, "mean")), before)
