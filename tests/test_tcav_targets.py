"""What is asked of the answer: words become tokens, and the value is a difference of log-probabilities."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from core.errors import UserError
from core.models import Model, batch, edit, tokenize
from core.models.recording import forward
from core.tcav.reading import with_target
from core.tcav.targets import ClassLogit, NextWords, cut_at_mark, word_target, word_token

TEXTS = ["The film was good and long.", "The letter", "She wrote to the teacher in the evening of the day"]


def test_value_is_the_difference_of_log_probabilities(tiny: Model) -> None:
    target = word_target(tiny, "the,a|letter , of,and")
    assert (len(target.more), len(target.less)) == (2, 3)
    for text in TEXTS:
        ids = tokenize(tiny, [text], 64)
        with edit(tiny, {}), torch.no_grad():
            p = forward(tiny, batch(tiny, ids)).logits[0, -1].softmax(-1)
        more = sum(p[tiny.tokenizer.encode(f" {word}")[0]] for word in ("the", "a"))
        less = sum(p[tiny.tokenizer.encode(f" {word}")[0]] for word in ("letter", "of", "and"))
        assert value_of(tiny, [text], target)[0] == pytest.approx(float((more / less).log()), abs=1e-5)


def test_padding_and_the_choice_of_logits_change_nothing(tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    target = word_target(tiny, "the|and")
    alone = [value_of(tiny, [text], target)[0] for text in TEXTS]
    assert value_of(tiny, TEXTS, target) == pytest.approx(alone, abs=1e-5)

    def all_logits(input_ids: torch.Tensor, attention_mask: torch.Tensor, **rest: object) -> object:
        return type(tiny.network).forward(tiny.network, input_ids=input_ids, attention_mask=attention_mask)

    # A model that knows nothing of `logits_to_keep` gives all logits; the value is the same.
    monkeypatch.setattr(tiny.network, "forward", all_logits)
    assert value_of(tiny, TEXTS, target) == pytest.approx(alone, abs=1e-5)


def test_a_mark_is_where_the_text_ends() -> None:
    assert cut_at_mark("The film was ## but", "##") == "The film was"
    assert cut_at_mark("The film", "##") == cut_at_mark("The film", None) == "The film"
    with pytest.raises(UserError, match="at the beginning"):
        cut_at_mark("## film", "##")


def test_later_tokens_have_no_say_at_a_marked_place(tiny: Model) -> None:
    """What makes cutting at the mark right: a causal model's logits there do not change with what follows."""
    ids = tokenize(tiny, ["The film was good and long", "The film was"], 64)
    assert ids[0][: len(ids[1])] == ids[1]
    with edit(tiny, {}), torch.no_grad():
        whole, cut = (forward(tiny, batch(tiny, [one])).logits[0, len(ids[1]) - 1] for one in ids)
    assert torch.allclose(whole, cut, atol=1e-5)


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("the", "two sets"),
        ("the|", "two sets"),
        ("|,", "two sets"),
        ("the|a|of", "two sets"),
        ("the|marvellous", "'marvellous' is"),
        ("the,of|a,the", "'the' on both sides"),
        ("the letter|a", "'the letter' is 2 tokens"),
    ],
)
def test_bad_specs_get_a_sentence(tiny: Model, spec: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence.replace("|", r"\|")):
        word_target(tiny, spec)


def test_words_take_the_space_that_comes_before_them(tiny: Model, smollm2: Model) -> None:
    assert tiny.tokenizer.decode([word_token(tiny, "the")]) == " the"
    assert [smollm2.tokenizer.decode([word_token(smollm2, word)]) for word in ("good", "terrible")] == [
        " good",
        " terrible",
    ]


def test_targets_are_told_apart_by_what_they_ask() -> None:
    one, other = NextWords("a|b", (1, 2), (3,)), NextWords("x|y", (2, 1), (3,))
    assert one.to_json() == other.to_json()
    assert one.to_json() != NextWords("a|b", (3,), (1, 2)).to_json()
    logits = torch.tensor([[1.0, 2.0, 5.0], [0.0, 1.0, -1.0]])
    assert ClassLogit("zebra", 2).of(logits).tolist() == [5.0, -1.0]
    assert dataclasses.replace(one, more=(0,), less=(2,)).of(logits).tolist() == [-4.0, 1.0]


def value_of(model: Model, texts: list[str], target: NextWords) -> list[float]:
    asked, scalar = with_target(model, batch(model, tokenize(model, texts, 64)), target)
    with edit(model, {}), torch.no_grad():
        return scalar(forward(model, asked)).tolist()
