"""A pattern times words: every text once, in fair groups, and a sentence for every slip."""

from __future__ import annotations

import itertools

import pytest

from core.errors import UserError
from core.examples import from_template, open_examples, save_examples, slots_of, split

GOOD, BAD = ["good", "lovely", "fine"], ["bad", "awful"]
NOUNS, TIMES = ["film", "meal"], ["today", "again", "then"]
PATTERN = "The {noun} was {word} {time}."


def test_every_text_stands_once() -> None:
    made = from_template(PATTERN, GOOD, BAD, {"noun": NOUNS, "time": TIMES})
    expected = {
        (f"The {noun} was {word} {time}.", int(word in GOOD))
        for word, noun, time in itertools.product([*GOOD, *BAD], NOUNS, TIMES)
    }
    assert set(zip(made.texts, made.labels.tolist(), strict=True)) == expected
    assert len(made) == len(expected) == 30
    assert made.source == f"template: {PATTERN}"


def test_rows_of_one_word_stay_together_so_that_words_are_held_out() -> None:
    made = from_template(
        PATTERN, [f"g{i}" for i in range(8)], [f"b{i}" for i in range(8)], {"noun": NOUNS, "time": TIMES}
    )
    assert made.groups.max() + 1 == 16
    train, test = split(made.labels, made.groups)
    words = [{made.texts[row].split()[3] for row in part} for part in (train, test)]
    assert words[0].isdisjoint(words[1])
    other = from_template(PATTERN, GOOD, BAD, {"noun": NOUNS, "time": TIMES}, together="other")
    assert other.groups.max() + 1 == 6
    by_group = {
        group: {text.replace(text.split()[3], "_") for text in texts} for group, texts in grouped(other).items()
    }
    assert all(len(frames) == 1 for frames in by_group.values())


def grouped(examples: object) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for text, group in zip(examples.texts, examples.groups.tolist(), strict=True):  # type: ignore[attr-defined]
        found.setdefault(group, []).append(text)
    return found


def test_several_patterns_and_a_limit() -> None:
    patterns = [PATTERN, "I find it {word}.", "{word}, that {noun}!"]
    whole = from_template(patterns, GOOD, BAD, {"noun": NOUNS, "time": TIMES})
    assert len(whole) == 5 * (6 + 1 + 2)
    part, again = (from_template(patterns, GOOD, BAD, {"noun": NOUNS, "time": TIMES}, limit=20) for _ in range(2))
    assert part.texts == again.texts
    assert set(part.texts) < set(whole.texts)
    frames = [{text.replace(word, "_") for text in part.texts if word in text} for word in [*GOOD, *BAD]]
    assert [len(one) for one in frames] == [4] * 5  # every word in the same sentences
    assert all(one == frames[0] for one in frames)


def test_a_set_of_a_template_is_saved_with_its_groups(home: object) -> None:
    made = from_template("It is {word}.", GOOD, BAD, name="made")
    save_examples(made, "made")
    assert open_examples("made").digest == made.digest


def test_slots_and_what_only_looks_like_one() -> None:
    assert slots_of("{noun} and { word } and {noun}") == ("noun", "word")
    made = from_template("{ word } it is", ["100%", "<b>\\1</b>", r"\g<0>"], ["{", "no"])
    assert set(made.texts) == {"100% it is", "<b>\\1</b> it is", r"\g<0> it is", "{ it is", "no it is"}


@pytest.mark.parametrize(
    ("pattern", "good", "bad", "others", "sentence"),
    [
        ("", GOOD, BAD, {}, "There is no pattern"),
        ("It was fine.", GOOD, BAD, {}, r"has no \{word\}"),
        ("The {noun} was {word}.", GOOD, BAD, {}, r"no words for \{noun\}"),
        ("It was {word}.", GOOD, BAD, {"noun": NOUNS}, r"No pattern has a place for \{noun\}"),
        ("It was {word}.", GOOD, [" "], {}, "no words for 'negative'"),
        ("It was {word}.", GOOD, ["Good", "bad"], {}, "'good' stand among positives and negatives alike"),
        ("It was {word} {.", GOOD, BAD, {}, "a brace without its partner"),
        ("It was {word} {}.", GOOD, BAD, {}, r"no words for \{\}"),
        ("It was {word}.", ["a {noun}", "b"], BAD, {}, "a slot of its own"),
        ("It was {word}.", ["a"], ["b"], {}, "at least 4"),
    ],
)
def test_every_slip_gets_a_sentence(
    pattern: str, good: list[str], bad: list[str], others: dict[str, list[str]], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        from_template(pattern, good, bad, others)
