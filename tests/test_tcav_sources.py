"""Concepts and inputs share no content; pools, groups and sets that were recorded before."""

from __future__ import annotations

import argparse

import numpy as np
import pytest

from core.cli.tcav_sets import open_inputs
from core.errors import UserError
from core.examples import from_lists
from core.examples.examples import make_examples
from core.examples.grouping import tidied
from core.tcav.controls import ROWS, digests_of, known_controls, open_controls
from core.tcav.disjoint import kept_inputs, make_inputs, not_among
from core.tcav.sources import pool_of, pool_of_texts, source_of
from core.tcav.targets import cut_at_mark

SHARED = [f"text number {n}" for n in range(40)]


def test_a_shared_text_is_used_on_one_side_the_same_one_every_time() -> None:
    inputs = make_inputs("in", [*SHARED, "only asked", "  Only   ASKED "])
    assert inputs.groups[-1] == inputs.groups[-2]
    kept = kept_inputs(inputs, [[text.upper() for text in SHARED[:30]], SHARED[30:]])
    assert {40, 41} <= set(kept.tolist())
    assert 10 <= len(kept) <= 32, "about half of the shared ones stay inputs"
    stays = [inputs.items[row] for row in kept]
    free = not_among(SHARED, stays)
    assert set(np.flatnonzero(~free)) == {row for row in kept.tolist() if row < 40}
    # Shuffled or alone, each text makes the same choice.
    alone = {row for row in range(40) if len(kept_inputs(make_inputs("one", [SHARED[row]]), [SHARED]))}
    assert alone == {row for row in kept.tolist() if row < 40}
    assert len(kept_inputs(inputs, [])) == 42
    with pytest.raises(UserError, match="nothing to ask"):
        make_inputs("none", [])


def test_own_negatives_are_the_default_and_a_pool_replaces_them() -> None:
    concept = from_lists(["a a", "b b", "a A"], ["c c", "d d"], "concept")
    own = source_of(concept)
    assert own.items == list(concept.texts)
    assert own.y.tolist() == [1, 1, 1, 0, 0]
    other = from_lists(["x x", "y y"], ["z z", "w w", "Z z"], "other")
    pooled = source_of(concept, pool_of(other))
    assert pooled.items == ["a a", "b b", "a A", "z z", "w w", "Z z"]
    assert pooled.y.tolist() == [1, 1, 1, 0, 0, 0]
    assert pooled.groups[0] == pooled.groups[2] != pooled.groups[1]
    assert pooled.groups[3] == pooled.groups[5] != pooled.groups[4]
    # What is recorded are the whole sets, which other commands record too.
    assert pooled.corpora == (concept.texts, other.texts)
    assert source_of(concept, pool_of(concept)).items == own.items
    lines = source_of(concept, pool_of_texts("lines.txt", ["b  B", "new"]))
    assert lines.groups[1] == lines.groups[3], "a text on both sides stays one group"


def test_rows_can_be_taken_away_across_corpora() -> None:
    concept = from_lists(["a a", "b b"], ["c c", "d d"], "concept")
    source = source_of(concept, pool_of_texts("pool", ["p one", "p two", "p three"]))
    left = source.only(not_among(source.items, ["B b", "p two"]))
    assert left.items == ["a a", "p one", "p three"]
    assert left.y.tolist() == [1, 0, 0]
    assert [tidied(text) for text in left.items] == left.items


def test_what_control_sets_are_is_told_without_opening_them(monkeypatch: pytest.MonkeyPatch) -> None:
    found = open_controls(60)
    assert len(found) == len(found.ids) == len(set(found.digests)) == 60
    for place in (0, 59):  # if these differ, raise the VERSION of the controls
        assert found[place].digest == found.digests[place]
        assert found[place].id == found.ids[place]
        assert len(found[place].texts) == ROWS
    few = found[1:3]
    assert (few.digests, few.characters) == (
        found.digests[1:3],
        sum(len(text) for examples in few for text in examples.texts),
    )
    known = known_controls()
    assert max(known[id]["length"] for id in found.ids) <= min(
        one["length"] for id, one in known.items() if id not in found.ids
    )

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a set was opened")

    monkeypatch.setattr("core.tcav.controls.open_examples", refuse)
    monkeypatch.setattr("core.tcav.controls.read_rows", refuse)
    assert digests_of(open_controls(60)) == list(found.digests)
    assert digests_of([from_lists(["a a", "b b"], ["c c", "d d"], "own")]) != []


def test_inputs_that_were_cut_are_compared_as_they_were() -> None:
    texts = [f"the film {n} was good @ and so on" for n in range(40)]
    cut = [cut_at_mark(text, "@") for text in texts]
    inputs = make_inputs("in", cut, whole=texts)
    assert inputs.cut
    assert not make_inputs("in", cut).cut
    kept = kept_inputs(inputs, [texts])
    assert 10 <= len(kept) <= 30, "about half of them stay inputs"
    free = not_among(texts, inputs.taken(kept))
    assert set(np.flatnonzero(~free)) == set(kept.tolist()), "each serves on one side"
    # So it is where the examples are what is left after the cut.
    again = kept_inputs(inputs, [cut])
    assert 10 <= len(again) <= 30
    assert set(np.flatnonzero(~not_among(cut, inputs.taken(again)))) == set(again.tolist())


def test_inputs_keep_the_groups_of_their_set() -> None:
    texts = ["a one @ x", "a two @ y", "b one @ z", "a one @ other"]
    cut = [cut_at_mark(text, "@") for text in texts]
    groups = make_inputs("in", cut, np.array([7, 7, 9, 4]), whole=texts).groups
    assert groups.tolist() == [0, 0, 1, 0], "by the set, and by what the cut makes equal"
    alone = ["a", "b", "c"]
    assert make_inputs("in", alone, np.array([0, 1, 2])).groups.tolist() == make_inputs("in", alone).groups.tolist()


@pytest.mark.parametrize("mark", [None, "@"])
def test_the_command_hands_on_groups_and_whole_texts(mark: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["good @ one", "fine @ two", "bad @ three", "poor @ four"]
    made = make_examples("pairs", "pairs", texts, [1, 1, 0, 0], own_groups=["p", "q", "p", "q"], source="test")
    monkeypatch.setattr("core.examples.open_examples", lambda *_, **__: made)
    inputs = open_inputs(argparse.Namespace(inputs="pairs", mark=mark, factory=None, model="smollm2"), None)
    assert inputs.groups.tolist() == [0, 1, 0, 1]
    assert inputs.whole == tuple(texts)
    assert inputs.items[0] == ("good" if mark else texts[0])
