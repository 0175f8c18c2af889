"""Words as tokens, and where the next one is predicted."""

import pytest
import torch

from core.errors import UserError
from core.models import Model, batch, tokenize
from core.models.next_token import at_next, last_positions
from core.models.words import two_lists, word_token, word_tokens


def test_two_lists() -> None:
    assert two_lists(" good, great ,good|bad") == (["good", "great"], ["bad"])


@pytest.mark.parametrize("text", ["", "good", "good|", "|bad", "a|b|c", ",|,"])
def test_another_shape_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"good,great\|bad,terrible"):
        two_lists(text)


def test_a_word_on_both_sides_is_refused() -> None:
    with pytest.raises(UserError, match="'bad' stands on both sides"):
        two_lists("good,bad|bad")


def test_a_word_is_taken_with_the_space_before_it(smollm2: Model) -> None:
    for word in ("good", "terrible", "the", ","):
        text = smollm2.tokenizer.decode([word_token(smollm2, word)])
        assert text.strip() == word
    assert smollm2.tokenizer.decode([word_token(smollm2, "good")]) == " good"


def test_words_that_are_no_single_token_are_named(smollm2: Model) -> None:
    with pytest.raises(UserError, match=r"'unfathomably' is \d tokens to smollm2 \(' un"):
        word_token(smollm2, "unfathomably")
    with pytest.raises(UserError, match="'good' and 'good ' are one and the same"):
        word_tokens(smollm2, ["good", "good "])


def test_the_last_position_is_neither_padding_nor_special(tiny: Model) -> None:
    ids = [[5, 6, 7, 8], [9, 10], [9, 10, 1], [0, 1]]  # 1 is the end token, 0 the beginning
    for padding, expected in (("right", [3, 1, 1, 1]), ("left", [3, 3, 2, 3])):
        assert last_positions(tiny, batch(tiny, ids, padding=padding)).tolist() == expected


def test_next_logits_are_those_of_a_whole_pass(tiny: Model) -> None:
    inputs = batch(tiny, tokenize(tiny, ["The film was good and", "The food", "They ran to the"], 32))
    with torch.no_grad():
        whole = tiny.network(**inputs).logits
        expected = torch.stack([whole[row, place] for row, place in enumerate(last_positions(tiny, inputs).tolist())])
        wanted, scalar = at_next(tiny, inputs, lambda logits: logits)
        assert "logits_to_keep" in wanted
        found = scalar(tiny.network(**wanted))
        found_in_whole = scalar(tiny.network(**inputs))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found_in_whole, expected)
