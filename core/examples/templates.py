"""Texts made of a sentence pattern and lists of words: "The {noun} was {word}." times good words and bad ones."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from core.errors import UserError
from core.examples.examples import Examples, check_text, make_examples
from core.examples.sentences import brief, listed

CONCEPT = "word"  # the slot that makes a text positive or negative
MOST_ROWS = 20_000
_SLOT = re.compile(r"\{([^{}]*)\}")

Together = Literal["word", "other"]


def slots_of(pattern: str) -> tuple[str, ...]:
    """The slots of a pattern in order, each once: `("noun", "word")` of "The {noun} was {word}."."""
    return tuple(dict.fromkeys(name.strip() for name in _SLOT.findall(pattern)))


def from_template(
    patterns: str | Sequence[str],
    positives: Sequence[str],
    negatives: Sequence[str],
    others: Mapping[str, Sequence[str]] | None = None,
    *,
    name: str = "template",
    together: Together = "word",
    limit: int | None = None,
) -> Examples:
    """Every pattern with every filler in every slot: `{word}` takes positives and negatives, `{noun}` others["noun"].

    together: which rows form a group and stay on one side of every split. "word": those with the same word, so that a
    probe is tested on words that it was not trained on (the honest choice: with the same words on both sides, knowing
    the words is enough). "other": those with the same fillers of the other slots. Where there are more rows than
    `limit` (at most MOST_ROWS), some of the sentences are drawn, always the same ones, and every word stands in each.
    Raises UserError for a pattern without `{word}`, a slot without words, and a word on both lists.
    """
    others = {slot: _fillers(slot, words) for slot, words in (others or {}).items()}
    chosen = [patterns] if isinstance(patterns, str) else list(patterns)
    good, bad = _fillers("positive", positives), _fillers("negative", negatives)
    _check(chosen, good, bad, others)
    most = min(limit or MOST_ROWS, MOST_ROWS)
    per_word = max(1, most // (len(good) + len(bad)))
    frames = _frames(chosen, others, per_word)
    texts, labels, groups = [], [], []
    for label, words in ((1, good), (0, bad)):
        for word in words:
            for frame in frames:
                texts.append(_filled(frame, {CONCEPT: word}))
                labels.append(label)
                groups.append(word if together == "word" else frame)
    for text in texts:
        check_text(text, f"The text {brief(text)}")
    return make_examples(name, name, texts, labels, source=f"template: {' | '.join(chosen)}", own_groups=groups)


def _frames(patterns: Sequence[str], others: Mapping[str, Sequence[str]], most: int) -> list[str]:
    """The patterns with all slots filled but `{word}`: all there are, or `most` of them drawn with seed 0."""
    lists = [[others[slot] for slot in slots_of(pattern) if slot != CONCEPT] for pattern in patterns]
    counts = [math.prod(map(len, fillers)) for fillers in lists]
    total = sum(counts)
    wanted = range(total) if total <= most else sorted(random.Random(0).sample(range(total), most))  # noqa: S311
    starts = [0, *itertools.accumulate(counts)]
    frames = []
    for number in wanted:
        place = next(i for i in range(len(patterns)) if number < starts[i + 1])
        rest, fill = number - starts[place], {}
        for slot, fillers in zip((s for s in slots_of(patterns[place]) if s != CONCEPT), lists[place], strict=True):
            rest, index = divmod(rest, len(fillers))
            fill[slot] = fillers[index]
        frames.append(_filled(patterns[place], fill))
    return list(dict.fromkeys(frames))


def _filled(pattern: str, fill: Mapping[str, str]) -> str:
    """The pattern with these slots filled, other slots left; in one go, so that a filler's braces are not slots."""
    return _SLOT.sub(lambda slot: fill.get(slot[1].strip(), slot[0]), pattern)


def _fillers(what: str, words: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(word.strip() for word in words if word.strip()))
    if not found:
        raise UserError(f"There are no words for {what!r}; give at least one.")
    for word in found:
        if _SLOT.search(word):
            raise UserError(f"{brief(word)} has a slot of its own; words stand without braces.")
    return found


def _check(
    patterns: Sequence[str], good: Sequence[str], bad: Sequence[str], others: Mapping[str, Sequence[str]]
) -> None:
    if not any(pattern.strip() for pattern in patterns):
        raise UserError('There is no pattern; write one such as "The {noun} was {word}."')
    for pattern in patterns:
        slots = slots_of(pattern)
        if CONCEPT not in slots:
            raise UserError(f"The pattern {brief(pattern)} has no {{{CONCEPT}}}, where positives and negatives differ.")
        missing = [slot for slot in slots if slot != CONCEPT and slot not in others]
        if missing:
            raise UserError(f"There are no words for {{{missing[0]}}} in the pattern {brief(pattern)}; give a list.")
        if "{" in (bare := _SLOT.sub("", pattern)) or "}" in bare:
            raise UserError(f"The pattern {brief(pattern)} has a brace without its partner; slots look like {{noun}}.")
    unused = [slot for slot in others if not any(slot in slots_of(pattern) for pattern in patterns)]
    if unused:
        raise UserError(f"No pattern has a place for {{{unused[0]}}}; write it where its words shall stand.")
    both = [word for word in good if word.casefold() in {other.casefold() for other in bad}]
    if both:
        raise UserError(f"{listed(both)} stand among positives and negatives alike; take them out of one list.")
    if len(good) + len(bad) > MOST_ROWS:
        raise UserError(f"There are {len(good) + len(bad):,} words; at most {MOST_ROWS:,} can be used.")
