"""The corpus: every text once, kinds balanced, held-out texts apart, passages that can be found again."""

from __future__ import annotations

import functools
import importlib.metadata
from pathlib import Path

import pytest

from core.errors import UserError
from core.examples import bundled
from core.examples.corpus import (
    HELD_OUT,
    LONGEST,
    Passage,
    _kinds,
    _level,
    _rows,
    corpus,
    cuts,
    held_out,
    passage_texts,
)
from core.examples.grouping import tidied


def test_every_file_of_the_wheel_has_a_kind() -> None:
    folder = importlib.metadata.distribution(bundled.WHEEL).locate_file("sae_probes/data/cleaned_data")
    files = {path.name.removesuffix(".csv.zst") for path in Path(str(folder)).glob("*.csv.zst")}
    assert set(_kinds()) == files
    assert len(files) == 155


@pytest.fixture(scope="module")
def few() -> pytest.MonkeyPatch:
    """The first and last rows of six files stand for all; half of 161 is source code, some of it that of 158."""
    patch = pytest.MonkeyPatch()
    names = ("158_code_C", "161_agnews_0", "92_glue_sst2", "95_toxic_is", "38_arith_difficulty", "37_arith_mc")
    kept = {name: kind for name, kind in _kinds().items() if name in names}
    patch.setattr("core.examples.corpus._kinds", lambda: kept)
    whole = functools.cache(lambda *asked: list(_rows(*asked)))
    patch.setattr("core.examples.corpus._rows", lambda *asked: whole(*asked)[:300] + whole(*asked)[-300:])
    yield patch  # type: ignore[misc]
    patch.undo()


def test_texts_come_once_and_kinds_alike(few: pytest.MonkeyPatch) -> None:
    found = corpus(characters=200_000)
    assert len({tidied(text) for text in found.texts}) == len(found)
    assert set(found.kinds) == {"code", "news", "reviews", "chat", "questions"}
    assert 200_000 <= sum(found.kinds.values()) <= 200_000 + 5 * LONGEST
    level = max(found.kinds.values())
    small = {kind for kind, size in found.kinds.items() if size < level - LONGEST}
    assert small == {"questions", "reviews"}  # which have no more to give
    assert sum(map(len, found.texts)) == sum(found.kinds.values())
    # Half of 161 is source code and counts as such.
    rows = list(_rows("161_agnews_0", "target", "prompt"))
    rows = rows[:300] + rows[-300:]
    news = [p for p in found.passages if p.set == "161_agnews_0" and rows[p.row][0] == "1"]
    assert sum(p.end - p.start for p in news) == found.kinds["news"]


def test_the_order_is_shuffled_and_the_same_every_time(few: pytest.MonkeyPatch) -> None:
    one, same, other = corpus(characters=50_000), corpus(characters=50_000), corpus(characters=50_000, seed=1)
    assert one.texts == same.texts
    assert one.key == same.key != other.key
    assert one.texts != other.texts
    sets = [passage.set for passage in one.passages[:40]]
    assert len(set(sets)) > 2


def test_held_out_texts_are_never_trained_on(few: pytest.MonkeyPatch) -> None:
    train, apart = corpus(), corpus(part="held out")
    assert not {(p.set, p.row) for p in train.passages} & {(p.set, p.row) for p in apart.passages}
    assert not {tidied(text) for text in train.texts} & {tidied(text) for text in apart.texts}
    share = len(apart) / (len(train) + len(apart))
    assert 0.3 / HELD_OUT < share < 3 / HELD_OUT


def test_passages_are_found_again(few: pytest.MonkeyPatch) -> None:
    found = corpus(characters=30_000)
    assert passage_texts(found.passages[:30]) == list(found.texts[:30])
    with pytest.raises(UserError, match="no file"):
        passage_texts([Passage("nothing", 0, 0, 1)])
    with pytest.raises(UserError, match="not there"):
        passage_texts([Passage("92_glue_sst2", 10**6, 0, 1)])
    with pytest.raises(UserError, match="holds nothing"):
        corpus(characters=0)


def test_held_out_passages_of_one_text_are_one_group(few: pytest.MonkeyPatch, home: Path) -> None:
    few.setattr("core.examples.corpus.MOST_HELD_OUT", 60)
    found, again = held_out(60), held_out(20)
    assert len(found.texts) == len(found.groups) == 60
    assert len(set(found.groups)) < 60
    assert found.texts[:20] == again.texts


def test_cuts_fall_on_white_space() -> None:
    text = "word " * 1000
    found = cuts(text)
    assert "".join(text[a:b] for a, b in found) == text
    assert all(b - a <= LONGEST for a, b in found)
    assert all(text[b] == " " for _, b in found[:-1])
    assert cuts("x" * 2000) == [(0, 700), (700, 1400), (1400, 2000)]
    assert cuts("") == cuts("   ") == []
    assert cuts("one") == [(0, 3)]
    assert cuts("word " * 140 + "tail") == [(0, 699)] or cuts("word " * 140 + "tail")[-1][1] == 704


def test_the_level_gives_the_small_all_they_have() -> None:
    assert _level([10, 100, 1000], 210) == 100
    assert _level([10, 100, 1000], 400) == 290
    assert _level([10, 20], 1000) == 20
    assert _level([50, 50], None) == 50
