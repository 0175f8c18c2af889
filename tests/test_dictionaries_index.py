"""An index against brute force over all codes of all tokens; stopped, resumed, from a store, damaged."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.activations import record_texts
from core.dictionaries import Card, Dictionary
from core.dictionaries.coder import Coder
from core.dictionaries.index import Index, Settings, blocks, build_index, files, open_index
from core.dictionaries.index import build as building
from core.dictionaries.index.corpora import Indexed
from core.dictionaries.index.counts import QUANTILES, bins_of, edges, shown_edges
from core.dictionaries.index.settings import BANDS, LISTED
from core.dictionaries.neurons import neurons_of
from core.dictionaries.sae import Config, Sae
from core.errors import UserError
from core.models import Model, direction_logits
from tests import reference_index as slow
from tests.tiny import SENTENCES, WIDTH

LAYER, M = 1, 24
SMALL = Settings(top=3, sample=12, before=3, after=2, slots=LISTED)


def make_texts(n: int, seed: int = 0) -> list[str]:
    chance = random.Random(seed)
    words = sorted({word for sentence in SENTENCES for word in sentence.split()})
    return [f"{i} " + " ".join(chance.choices(words, k=chance.randint(2, 12))) for i in range(n)]


TEXTS = make_texts(40)


def indexed(texts: list[str]) -> Indexed:
    places = [(0, row, 0, len(text)) for row, text in enumerate(texts)]
    return Indexed("file", ("nowhere.txt",), np.array(places, dtype=np.int32), texts, {})


def topk(k: int = 4) -> Sae:
    chance = torch.Generator().manual_seed(0)
    config = Config("topk", WIDTH, M, WIDTH, k=k)
    weights = {name: torch.randn(shape, generator=chance) for name, shape in config.shapes().items()}
    return Sae(config, weights)


def bound(model: Model, coder: Coder, site: Any = None) -> Dictionary:
    site = site or model.site(LAYER)
    return Dictionary("d", coder, Card(model.id, model.fingerprint, site, site, site))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 8 texts and chunks of few tokens, so that everything is merged often."""
    monkeypatch.setattr("core.dictionaries.index.blocks.CHUNK", 8)
    monkeypatch.setattr("core.dictionaries.index.chunk.NUMBERS", 40 * M)
    monkeypatch.setattr("core.dictionaries.index.heavy.MERGE", 300)


def check_examples(index: Index, table: slow.Table, feature: int, first: int, sign: int) -> None:
    columns, windows = index.columns, index.windows(feature)
    wanted = slow.strongest(table, feature, SMALL.top, sign)
    for slot in range(SMALL.top):
        at = first + slot
        if slot >= len(wanted):
            assert columns["example_text"][feature, at] == -1
            continue
        text, position, value = wanted[slot]
        assert (columns["example_text"][feature, at], columns["example_position"][feature, at]) == (text, position)
        assert columns["example_value"][feature, at] == pytest.approx(value, rel=1e-5)
        around = slow.window(table, feature, text, position, SMALL.before, SMALL.after)
        np.testing.assert_allclose(windows[at], around, rtol=2e-3, atol=1e-3 * abs(value))


@pytest.mark.parametrize("signed", [False, True])
def test_an_index_is_what_brute_force_finds(home: Path, tiny: Model, small_blocks: None, signed: bool) -> None:
    coder: Coder = topk()
    site = tiny.site(LAYER)
    if signed:
        coder, site, _ = neurons_of(tiny, LAYER)
    build_index(tiny, bound(tiny, coder, site), indexed(TEXTS), SMALL)
    index = open_index(bound(tiny, coder, site))
    table = slow.table_of(tiny, coder, TEXTS, LAYER, inner=signed)
    columns, m = index.columns, coder.n_features
    assert index.complete
    assert index.n_tokens == len(table.codes)
    np.testing.assert_array_equal(columns["count"], (table.codes != 0).sum(axis=0))
    np.testing.assert_allclose(index.density, (table.codes != 0).mean(axis=0))
    np.testing.assert_allclose(columns["total"], table.codes.sum(axis=0, dtype=np.float64), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(columns["max"], np.maximum(table.codes.max(axis=0), 0), rtol=1e-5)
    np.testing.assert_allclose(columns["min"], np.minimum(table.codes.min(axis=0), 0), rtol=1e-5)
    for feature in range(m):
        check_examples(index, table, feature, 0, 1)
        if signed:
            check_examples(index, table, feature, SMALL.top, -1)
        check_middle(index, table, feature)
        check_tokens(index, table, feature)


def check_middle(index: Index, table: slow.Table, feature: int) -> None:
    """Quantiles, the histogram and the examples of each band, against numpy on all non-zero codes."""
    columns = index.columns
    values = table.codes[:, feature].astype(np.float64)
    values = np.sort(values[values != 0])
    if len(values) == 0:
        assert np.isnan(columns["quantiles"][feature]).all()
        return
    wanted = np.quantile(values, QUANTILES)
    complete = len(values) <= SMALL.sample
    assert bool(columns["complete"][feature]) == complete
    if complete:
        np.testing.assert_allclose(columns["quantiles"][feature], wanted, rtol=1e-4)
    else:
        gap = np.diff(values).max()  # numpy goes from one value to the next in a line, a histogram in steps
        np.testing.assert_allclose(columns["quantiles"][feature], wanted, rtol=1 / 16, atol=gap)
    for side, sign in zip(range(len(columns["histogram"])), (1, -1), strict=False):
        sizes = (sign * values)[sign * values > 0]
        bounds = shown_edges(int(columns["histogram_first"][side, feature]))
        expected = np.histogram(np.maximum(sizes, bounds[0]), bounds)[0]
        np.testing.assert_array_equal(columns["histogram"][side, feature], expected)
    middle = columns["example_band"] > 0
    if len(columns["histogram"]) == 2:
        middle &= columns["example_band"] <= len(BANDS)
    for slot in np.flatnonzero(middle):
        text, position = columns["example_text"][feature, slot], columns["example_position"][feature, slot]
        if text < 0:
            continue
        row = np.flatnonzero((table.text == text) & (table.position == position))[0]
        value = table.codes[row, feature]
        assert columns["example_value"][feature, slot] == pytest.approx(value, rel=1e-3, abs=1e-8)
        rank = (values < value - 1e-6).mean()
        near = (np.sign(values) == np.sign(value)) & (bins_of(np.abs(values)) == bins_of(np.abs(value[None])))
        error = (near.sum() + 1) / len(values)
        assert columns["example_rank"][feature, slot] == pytest.approx(rank, abs=error)
        band = BANDS[columns["example_band"][slot] - 1]
        assert abs(band - rank) <= min(abs(other - rank) for other in BANDS) + 2 * error
    if complete:
        listed = {
            (int(t), int(p))
            for t, p in zip(columns["sample_text"][feature], columns["sample_position"][feature], strict=True)
            if t >= 0
        }
        on = table.codes[:, feature] != 0
        assert listed == set(zip(table.text[on].tolist(), table.position[on].tolist(), strict=True))


def check_tokens(index: Index, table: slow.Table, feature: int) -> None:
    shares = slow.token_shares(table, feature)
    missed = float(index.columns["token_missed"][feature])
    listed = index.columns["token_id"][feature]
    for id, share in zip(listed, index.columns["token_share"][feature], strict=True):
        if id >= 0:
            assert share - 1e-4 <= shares[int(id)] <= share + missed + 1e-4
    if len(shares) <= SMALL.slots:
        assert missed == 0
        assert set(listed[listed >= 0].tolist()) == set(shares)


def test_a_stopped_index_ends_as_an_undisturbed_one(
    home: Path, tiny: Model, small_blocks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    dictionary = bound(tiny, topk())
    whole = build_index(tiny, dictionary, indexed(TEXTS), SMALL)
    wanted = {name: files.load(whole, files.read_manifest(whole) or {}, name) for name in ("columns", "windows")}
    for path in whole.iterdir():
        path.unlink()
    monkeypatch.setattr(building, "SECONDS", 0.0)
    monkeypatch.setattr(building, "PATIENCE", 0)
    read, count = blocks.chunks, [0]

    def stops(*arguments: Any) -> Any:
        count[0] += 1
        if count[0] == 4:
            raise KeyboardInterrupt
        return read(*arguments)

    monkeypatch.setattr(blocks, "chunks", stops)
    with pytest.raises(KeyboardInterrupt):
        build_index(tiny, dictionary, indexed(TEXTS), SMALL)
    growing = open_index(dictionary)
    assert not growing.complete
    assert 0 < growing.manifest["texts_done"] < len(TEXTS)
    table = slow.table_of(tiny, topk(), TEXTS[: growing.manifest["texts_done"]], LAYER)
    np.testing.assert_array_equal(growing.columns["count"], (table.codes != 0).sum(axis=0))
    for feature in range(M):
        check_examples(growing, table, feature, 0, 1)
    build_index(tiny, dictionary, indexed(TEXTS), SMALL)
    found = open_index(dictionary)
    assert found.complete
    again = {name: files.load(whole, found.manifest, name) for name in ("columns", "windows")}
    for name, arrays in wanted.items():
        assert set(arrays) == set(again[name])
        for key, array in arrays.items():
            np.testing.assert_array_equal(array, again[name][key], err_msg=key)
    left = {path.name for path in whole.iterdir()}
    assert left == {"manifest.json", *(entry["file"] for entry in found.manifest["files"].values())}


def test_from_a_store_it_is_the_same(home: Path, tiny: Model, small_blocks: None) -> None:
    dictionary = bound(tiny, topk())
    (store,) = record_texts(tiny, TEXTS, [tiny.site(LAYER)], pool="none")
    read = Index(build_index(tiny, dictionary, indexed(TEXTS), SMALL))
    stored = Index(build_index(tiny, dictionary, indexed(TEXTS), SMALL, store=store))
    assert stored.key != read.key
    for name in ("count", "example_text", "example_position", "token_id", "sample_text", "seen_text"):
        np.testing.assert_array_equal(stored.columns[name], read.columns[name], err_msg=name)
    with pytest.raises(UserError, match="other texts"):
        build_index(tiny, dictionary, indexed(TEXTS[:-1]), SMALL, store=store)


def test_weights_are_cosines_and_logits(home: Path, tiny: Model) -> None:
    dictionary = bound(tiny, topk())
    index = Index(build_index(tiny, dictionary, indexed(TEXTS[:4]), SMALL))
    rows = topk().W_dec.numpy().astype(np.float64)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -2)
    order = np.argsort(-cosines, axis=1)[:, :LISTED]
    np.testing.assert_array_equal(index.columns["near_id"], order)
    np.testing.assert_allclose(index.columns["near"], np.take_along_axis(cosines, order, 1), atol=1e-5)
    logits = direction_logits(tiny, topk().W_dec)[:, : len(tiny.tokenizer)].numpy()
    up = np.argsort(-logits, axis=1, kind="stable")[:, :LISTED]
    np.testing.assert_allclose(index.columns["up"], np.take_along_axis(logits, up, 1), rtol=1e-4)
    assert (index.columns["up_id"][:, 0] == up[:, 0]).mean() > 0.9
    np.testing.assert_allclose(index.columns["down"][:, 0], logits.min(axis=1), rtol=1e-4)


@pytest.mark.parametrize("dense", [0, 1 << 30])
def test_correlations_are_numpys(home: Path, tiny: Model, monkeypatch: pytest.MonkeyPatch, dense: int) -> None:
    monkeypatch.setattr("core.dictionaries.index.together.DENSE", dense)
    monkeypatch.setattr("core.dictionaries.index.together.PAIRS", 5 * M)  # a few features at a time
    index = Index(build_index(tiny, bound(tiny, topk()), indexed(TEXTS), SMALL))
    table = slow.table_of(tiny, topk(), TEXTS, LAYER)
    with np.errstate(invalid="ignore"):
        r = np.corrcoef(table.codes.astype(np.float64).T)
    both = (table.codes != 0).astype(int).T @ (table.codes != 0).astype(int)
    for feature in range(M):
        wanted = [
            other
            for other in np.argsort(-np.nan_to_num(r[feature]), kind="stable")
            if other != feature and both[feature, other] >= 5 and r[feature, other] > 0
        ][:LISTED]
        found = index.columns["together_id"][feature]
        assert found[found >= 0].tolist() == wanted
        np.testing.assert_allclose(index.columns["together"][feature][: len(wanted)], r[feature, wanted], rtol=1e-3)
        assert index.columns["both_on"][feature][: len(wanted)].tolist() == both[feature, wanted].tolist()


def test_fine_bins_are_where_their_edges_say() -> None:
    values = np.float32(2.0) ** np.random.default_rng(0).uniform(-19.9, 19.9, 5000).astype(np.float32)
    np.testing.assert_array_equal(bins_of(values), np.searchsorted(edges(), values, side="right") - 1)
    assert bins_of(np.array([1e-30, 1e30], dtype=np.float32)).tolist() == [0, len(edges()) - 2]


def test_damaged_files_are_named_or_made_anew(home: Path, tiny: Model) -> None:
    dictionary = bound(tiny, topk())
    folder = build_index(tiny, dictionary, indexed(TEXTS[:8]), SMALL)
    index = open_index(dictionary)
    path = folder / index.manifest["files"]["windows"]["file"]
    data = bytearray(path.read_bytes())
    data[-200] ^= 255
    path.write_bytes(bytes(data))
    with pytest.raises(UserError, match=path.name):
        Index(folder).windows(M - 1)
    Index(folder).windows(0)
    path = folder / index.manifest["files"]["columns"]["file"]
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(UserError, match=path.name):
        Index(folder)
    build_index(tiny, dictionary, indexed(TEXTS[:8]), SMALL)
    np.testing.assert_array_equal(open_index(dictionary).columns["count"], index.columns["count"])
