"""What the benchmarks claim to measure: turns are taken, ratios are per round, and both sides do the same work."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from benchmarks import sae_index
from benchmarks.bare import real_tokens, run_bare, sorted_batches, truncated
from benchmarks.harness import alternate, compare, report
from benchmarks.reactions import against, rarely
from benchmarks.sae_train import WAYS, Task, compare_training
from benchmarks.texts import mixed_texts
from core.dictionaries.index.chunk import Read
from core.dictionaries.index.settings import Settings
from core.models import Model, record, tokenize
from tests.dictionaries import small_sae, tokens


def test_ways_take_turns_and_every_other_round_goes_backwards() -> None:
    order: list[str] = []

    def way(name: str) -> float:
        order.append(name)
        return 1.0

    rates = alternate({"a": lambda: way("a"), "b": lambda: way("b"), "c": lambda: way("c")}, rounds=3)
    assert "".join(order) == "abccbaabc"
    assert {name: len(of_rounds) for name, of_rounds in rates.items()} == {"a": 3, "b": 3, "c": 3}
    assert all(rate > 0 for of_rounds in rates.values() for rate in of_rounds)


def test_ratio_is_the_median_of_the_ratios_within_rounds() -> None:
    # A machine that is ten times slower in round 2 changes both ways alike, and no ratio.
    found = compare("x", "tokens/s", ours=[90.0, 9.0, 200.0], peer=[100.0, 10.0, 100.0])
    assert found.ratios == pytest.approx((0.9, 0.9, 2.0))
    assert found.ratio == pytest.approx(0.9)
    assert (found.ours, found.peer) == (90.0, 100.0)


def test_json_names_the_main_comparison_and_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    report([compare("main", "tokens/s", [3.0], [2.0]), compare("other", "tokens/s", [1.0], [2.0])], as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert {key: said[key] for key in ("name", "ours", "peer", "ratio")} == {
        "name": "main",
        "ours": 3.0,
        "peer": 2.0,
        "ratio": 1.5,
    }
    assert [one["name"] for one in said["results"]] == ["main", "other"]


def test_reactions_are_told_by_their_median_and_95th_percentile_against_a_limit() -> None:
    seconds = [0.1] * 18 + [0.4, 2.0]  # of twenty the nineteenth is the 95th percentile
    middle, worst = against("x", seconds, 0.5), rarely("x", seconds, 0.8)
    assert (middle.name, middle.ours, middle.peer, middle.ratio) == ("x", 0.1, 0.5, pytest.approx(0.2))
    assert (worst.name, worst.ours, worst.ratio) == ("x-p95", 0.4, pytest.approx(0.5))
    assert worst.ratios == pytest.approx([one / 0.8 for one in seconds])


def test_texts_are_real_different_and_the_same_every_time() -> None:
    texts = mixed_texts(64)
    assert len(set(texts)) == 64
    assert texts == mixed_texts(64)
    lengths = sorted(map(len, texts))
    assert lengths[-1] > 5 * lengths[0]


def test_bare_forward_does_the_work_that_the_recorder_does(smollm2: Model) -> None:
    texts = ["A short text.", "A text that is a little longer than the other one.", "Three."]
    batches = sorted_batches(smollm2, texts, 64)
    assert real_tokens(batches) == sum(map(len, tokenize(smollm2, texts, 64)))
    site = smollm2.site(2)
    (last,) = run_bare(truncated(smollm2, 2), batches)
    assert torch.equal(last, record(smollm2, batches[-1], [site])[site])
    assert len(smollm2.network.model.layers) == 30  # the cut copy left the whole one whole


def test_the_plain_loop_learns_what_our_trainer_learns() -> None:
    task = Task(tokens(600, 16) + 1, tokens(50, 16, seed=2) + 1, features=32, k=4, batch=100)
    found = {}
    for name, way in WAYS.items():
        learn, encode = way(task, 1200)
        for epoch in range(2):
            for batch in task.batches(epoch):
                learn(batch)
        found[name] = encode(task.held_out)
    # Ours takes out of the decoder's gradient what only changes lengths; the rest of the work is the same.
    torch.testing.assert_close(found["ours"][1], found["plain"][1], rtol=0.1, atol=0.1)
    (one,) = compare_training(task, 1, WAYS)
    assert (one.name, len(one.ratios)) == ("sae-train-vs-plain", 1)


def test_both_ways_to_index_find_the_same_and_a_difference_is_told() -> None:
    x = tokens(300, 6)
    texts, bounds = np.arange(10), np.arange(11) * 30
    read = Read(texts, bounds, np.tile(np.arange(1, 31), 10), np.arange(300) % 7, x)
    task = sae_index.Task([read], small_sae("topk"), 7, Settings(top=4, slots=10))
    found, wanted = sae_index.ours(task), sae_index.plain(task, range(11))
    assert set(wanted) == set(range(11))
    assert max(len(one) for one in wanted.values()) == 4
    sae_index.check(found, wanted)
    feature = next(feature for feature, one in wanted.items() if len(one) == 4)
    (text, value), *others = found[feature]
    for wrong in ((text, 2 * value), (text + 1, value)):
        with pytest.raises(AssertionError, match=f"feature {feature} has other"):
            sae_index.check({**found, feature: [wrong, *others]}, wanted)
