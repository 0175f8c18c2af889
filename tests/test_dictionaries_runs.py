"""Whole training runs: what is read, in which order, curves, and going on after having been stopped."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch
from torch import Tensor

from core.activations import record_texts
from core.dictionaries.library import open_dictionary
from core.dictionaries.training import checkpoint, curves, run, tfevents
from core.dictionaries.training.method import Method
from core.dictionaries.training.recipe import Recipe
from core.dictionaries.training.sources import FromModel, FromStore, Source
from core.dictionaries.training.table import METHODS
from core.dictionaries.training.topk import TopK
from core.dictionaries.training.trainer import Step, Trainer
from core.errors import UserError
from core.models import Model
from core.progress import Progress
from tests.tiny import SENTENCES, WIDTH

TEXTS = [f"{one} And then {number} more came." for number in range(6) for one in SENTENCES]
RECIPE = Recipe(features=24, tokens=1500, batch=100, block=8, patience=400, rate=3e-3)
METHOD = TopK(k=4)


@pytest.fixture
def source(tiny: Model, home: Path) -> Source:
    return FromModel(tiny, tiny.site(1), TEXTS, RECIPE)


def train(tiny: Model, source: Source, name: str = "mine", method: Method = METHOD, **more: object) -> run.Trained:
    return run.train(tiny, tiny.site(1), method, RECIPE, source, name=name, **more)  # type: ignore[arg-type]


def sorted_rows(x: Tensor) -> Tensor:
    return torch.stack(sorted(x, key=lambda row: row.tolist()))


def test_blocks_follow_from_their_number_and_a_pass_holds_every_text_once(source: Source, tiny: Model) -> None:
    assert source.per_pass == 4
    blocks = [source.block(number) for number in range(8)]
    assert torch.equal(source.block(5), blocks[5])
    first, second = torch.cat(blocks[:4]), torch.cat(blocks[4:])
    assert len(first) == len(second)
    torch.testing.assert_close(sorted_rows(first), sorted_rows(second), rtol=1e-4, atol=1e-5)
    assert not torch.equal(blocks[0][:20], blocks[4][:20])


def test_a_store_gives_the_tokens_that_the_model_gives(source: Source, tiny: Model) -> None:
    (store,) = record_texts(tiny, TEXTS, [tiny.site(1)], pool="none")
    from_store = FromStore(store, RECIPE, tiny.device)
    ours = torch.cat([from_store.block(number) for number in range(from_store.per_pass)])
    theirs = torch.cat([source.block(number) for number in range(source.per_pass)])
    assert len(ours) == store.n_tokens
    torch.testing.assert_close(sorted_rows(ours), sorted_rows(theirs), rtol=1e-4, atol=1e-5)
    (pooled,) = record_texts(tiny, TEXTS[:4], [tiny.site(1)])
    with pytest.raises(UserError, match="pool=none"):
        FromStore(pooled, RECIPE, tiny.device)
    (whole,) = record_texts(tiny, TEXTS[:4], [tiny.site(1)], pool="none", all_positions=True)
    with pytest.raises(UserError, match="first tokens and sinks"):
        FromStore(whole, RECIPE, tiny.device)


def test_texts_without_tokens_are_refused(tiny: Model, home: Path) -> None:
    with pytest.raises(UserError, match="no texts"):
        FromModel(tiny, tiny.site(1), [], RECIPE)
    with pytest.raises(UserError, match="no tokens to learn from"):
        FromModel(tiny, tiny.site(1), ["a", "b"], RECIPE).block(0)


class Stopped(Exception):
    pass


@pytest.mark.parametrize("name", ["topk", "batchtopk", "jumprelu"])
def test_a_stopped_run_ends_as_an_undisturbed_one(
    name: str, tiny: Model, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "SECONDS", 0.0)
    method = METHODS[name]
    whole = train(tiny, source, "whole", method).dictionary
    stops = [400, 900]

    def stop(moment: Progress) -> None:
        if stops and moment.done >= stops[0]:
            stops.pop(0)
            raise Stopped

    run.forget(run.run_key(tiny, tiny.site(1), method, RECIPE, source))
    for _ in range(2):
        with pytest.raises(Stopped):
            train(tiny, source, "cut", method, progress=stop)
    resumed = train(tiny, source, "cut", method, progress=stop)
    assert 0 < resumed.resumed < 1500
    for key, tensor in whole.coder.tensors().items():
        assert torch.equal(resumed.dictionary.coder.tensors()[key], tensor), key
    lines = curves.read_curves(resumed.folder)
    assert [line["tokens"] for line in lines] == sorted({line["tokens"] for line in lines})
    assert lines[-1]["tokens"] == 1500


@pytest.mark.parametrize("name", METHODS)
def test_a_checkpoint_holds_all_that_the_next_step_depends_on(name: str, source: Source, tmp_path: Path) -> None:
    block, method = source.block(0), METHODS[name]
    trainer = Trainer.start(method, RECIPE, block)
    list(trainer.learn(block))
    trainer.idle[3] = 77
    checkpoint.save(tmp_path, trainer, 7)
    found = checkpoint.load(tmp_path, method, RECIPE, torch.device("cpu"))
    assert found is not None
    again, number = found
    assert (number, again.tokens, again.scale) == (7, trainer.tokens, trainer.scale)
    before, after = trainer.state(), again.state()
    assert list(before) == list(after)
    for key, tensor in before.items():
        assert torch.equal(tensor, after[key]), key


def test_a_finished_run_is_not_run_again(tiny: Model, source: Source) -> None:
    first = train(tiny, source, held_out=TEXTS[:3])
    assert (first.cached, first.resumed) == (False, 0)
    assert not (first.folder / checkpoint.FILE).exists()
    again = train(tiny, source)
    assert again.cached
    assert again.dictionary.key == first.dictionary.key
    with pytest.raises(UserError, match="already"):
        train(tiny, source, method=TopK(k=3))
    other = train(tiny, source, method=TopK(k=3), replace=True)
    assert open_dictionary("mine").key == other.dictionary.key
    with pytest.raises(UserError, match="cannot be a name"):
        train(tiny, source, "../x")


def test_the_card_says_how_it_was_made(tiny: Model, source: Source) -> None:
    card = train(tiny, source, about={"set": "x"}).dictionary.card
    assert (card.model_id, card.model_fingerprint, card.layer) == (tiny.id, tiny.fingerprint, 1)
    assert card.reads == card.rebuilds == tiny.site(1)
    assert card.recipe["parameters"] == {"k": 4}
    assert card.recipe["training"]["tokens"] == 1500
    assert card.recipe["corpus"] == {"set": "x"}
    assert card.recipe["passes"] == 1


def test_a_damaged_checkpoint_is_begun_anew(tiny: Model, source: Source) -> None:
    key = run.run_key(tiny, tiny.site(1), METHOD, RECIPE, source)
    whole = train(tiny, source, "whole").dictionary
    (run.folder_of(key) / checkpoint.FILE).write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00 not one of ours")
    again = train(tiny, source, "again")
    assert again.resumed == 0
    assert torch.equal(again.dictionary.coder.W_dec, whole.coder.W_dec)


def test_curves_are_lines_of_means(tmp_path: Path) -> None:
    both = [tmp_path / "a", tmp_path / "b"]
    kept = curves.Curves(both, 0)
    for number in range(1, 46):
        kept.add(Step(number * 10, float(number), 0.5, 4.0, 0.25, 1e-3))
    kept.flush(held_out=0.75)
    lines = curves.read_curves(both[0])
    assert [line["tokens"] for line in lines] == [200, 400, 450]
    assert lines[0]["loss"] == pytest.approx(10.5)
    assert [line.get("held_out") for line in lines] == [None, None, 0.75]
    assert (both[0] / curves.LINES).read_bytes() == (both[1] / curves.LINES).read_bytes()
    with (both[0] / curves.LINES).open("a") as file:
        file.write('{"tokens": 500, "lo')  # killed while it wrote
    assert len(curves.read_curves(both[0])) == 3
    curves.Curves(both, 200)  # resumed from a checkpoint at 200 tokens
    assert [line["tokens"] for line in curves.read_curves(both[1])] == [200]
    assert curves.read_curves(tmp_path / "nowhere") == []


def records(data: bytes) -> list[bytes]:
    """The records of an event file, with their checksums looked at; crc32c bit by bit, from its polynomial."""

    def crc(part: bytes) -> int:
        value = 0xFFFFFFFF
        for byte in part:
            value ^= byte
            for _ in range(8):
                value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        value ^= 0xFFFFFFFF
        return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF

    found = []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        assert struct.unpack("<I", data[8:12])[0] == crc(data[:8])
        body = data[12 : 12 + length]
        assert struct.unpack("<I", data[12 + length : 16 + length])[0] == crc(body)
        found.append(body)
        data = data[16 + length :]
    return found


def test_event_files_are_tensorboards(tmp_path: Path) -> None:
    assert tfevents.crc32c(b"123456789") == 0xE3069283  # RFC 3720, the check value of CRC-32C
    kept = curves.Curves([tmp_path], 0)
    for number in range(20):
        kept.add(Step(300 + number, 2.0, 0.5, 4.0, 0.25, 1e-3))
    first, second = records((tmp_path / curves.EVENTS).read_bytes())
    assert first[0] == 0x09  # field 1, a double
    assert first[9:] == b"\x1a\x0dbrain.Event:2"
    assert second[9:12] == b"\x10" + bytes([319 & 0x7F | 0x80, 319 >> 7])  # field 2, a varint
    assert b"\x0a\x04loss\x15" + struct.pack("<f", 2.0) in second
    assert json.loads((tmp_path / curves.LINES).read_text())["loss"] == 2.0


def test_nothing_is_learnt_from_first_tokens(tiny: Model, source: Source) -> None:
    total = sum(len(tiny.tokenizer(text)["input_ids"]) - 1 for text in TEXTS)
    assert sum(len(source.block(number)) for number in range(source.per_pass)) == total
    assert source.block(0).shape[1] == WIDTH
