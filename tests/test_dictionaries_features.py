"""Cards, labels, search and features for a concept, with features of which the truth is known: each is one token."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from core.dictionaries import Card, Dictionary
from core.dictionaries.index import Index, Settings, build_index, from_examples, from_file, notes
from core.dictionaries.index.active import active_in
from core.dictionaries.index.feature import feature_of
from core.dictionaries.index.labelling import label_features
from core.dictionaries.index.labels import FILE, Label, automatic_labels, labels_of
from core.dictionaries.index.meaning import score_by_meaning
from core.dictionaries.index.search import by_label, by_meaning, by_text
from core.dictionaries.index.table import COLUMNS, sorted_table, table_of
from core.dictionaries.sae import Config, Sae
from core.errors import UserError
from core.models import Model
from tests.test_dictionaries_index import LAYER, bound, make_texts, topk
from tests.tiny import WIDTH

WORDS = (" evening", " the", " and")
TEXTS = make_texts(300)


def of_words(model: Model) -> Dictionary:
    """Features that are on (at 1) at one token each: they read the embeddings. The last feature is never on."""
    ids = [model.tokenizer(word)["input_ids"] for word in WORDS]
    assert [len(one) for one in ids] == [1] * len(WORDS)
    rows = model.network.get_input_embeddings().weight.detach()[[one[0] for one in ids]]
    rows = torch.cat([rows / rows.norm(dim=1, keepdim=True) ** 2, torch.zeros(1, WIDTH)])
    m = len(rows)
    weights = {"W_enc": rows.T.contiguous(), "W_dec": rows * 3, "b_enc": torch.zeros(m), "b_dec": torch.zeros(WIDTH)}
    sae = Sae(Config("jumprelu", WIDTH, m, WIDTH), {**weights, "threshold": torch.full((m,), 0.9)})
    site = model.site(0, "before")
    return Dictionary("words", sae, Card(model.id, model.fingerprint, site, site, site))


@pytest.fixture
def words(home: Path, tiny: Model, tmp_path: Path) -> tuple[Dictionary, Index]:
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS))
    dictionary = of_words(tiny)
    settings = Settings(top=20, sample=40, before=4, after=2)
    return dictionary, Index(build_index(tiny, dictionary, from_file(str(path)), settings))


def test_a_card_shows_tokens_values_and_where_they_are_from(words: tuple[Dictionary, Index], tiny: Model) -> None:
    _, index = words
    card = feature_of(index, tiny, 0)
    count = sum(text.split()[1:].count("evening") + text.split()[1:].count("evening.") for text in TEXTS)
    assert card.count == count
    assert not card.dead
    assert card.mean == pytest.approx(1)
    assert [one.text for one in card.top_tokens] == [" evening"]
    assert card.top_tokens[0].share == pytest.approx(1)
    assert len(card.examples) > 20
    for example in card.examples:
        assert example.tokens[example.centre].text == " evening"
        assert example.value == pytest.approx(1)
        whole = TEXTS[example.source["row"]]
        assert "".join(token.text for token in example.tokens) in whole
        for place, token in enumerate(example.tokens):
            if place != example.centre and token.value is not None:
                assert token.value == pytest.approx(float(token.text == " evening"), abs=1e-3)
    dead = feature_of(index, tiny, len(WORDS))
    assert dead.dead
    assert dead.examples == ()
    assert dead.mean is None
    with pytest.raises(UserError, match="no feature 4"):
        feature_of(index, tiny, len(WORDS) + 1)


def test_texts_that_changed_are_not_shown(words: tuple[Dictionary, Index], tiny: Model, tmp_path: Path) -> None:
    _, index = words
    for path in (index.folder.parent / "texts").iterdir():
        path.unlink()
    again = Index(index.folder)
    assert feature_of(again, tiny, 0).examples[0].tokens
    changed = [text if row % 2 else "Other words altogether." for row, text in enumerate(TEXTS)]
    (tmp_path / "texts.txt").write_text("\n".join(changed))
    for example in feature_of(Index(index.folder), tiny, 0).examples:
        assert bool(example.tokens) == bool(example.source["row"] % 2)


def test_labels_are_the_words_and_others_labels_tell_nothing(words: tuple[Dictionary, Index], tiny: Model) -> None:
    dictionary, index = words
    made = label_features(index, tiny)
    for feature, word in enumerate(WORDS):
        label = made.labels[feature]
        assert label.terms[0].where == "at"
        assert label.terms[0].word == word.strip()
        assert label.score is not None
        assert label.score > 0.97
        assert label.control is not None
        assert abs(label.control - 0.5) < 0.2
    assert len(WORDS) not in made.labels
    assert automatic_labels(index) == made.labels
    assert labels_of(index, dictionary)[0].by == "automatic"


def test_tokens_that_made_a_label_do_not_test_it(words: tuple[Dictionary, Index], tiny: Model) -> None:
    from core.dictionaries.index.labelling import evidence_of

    _, index = words
    evidence = evidence_of(index, tiny)
    for feature in range(len(WORDS)):
        made, tested = ({*evidence.on(feature, making=making)[0].tolist()} for making in (True, False))
        assert made
        assert tested
        assert not made & tested
        seen = index.columns["seen_text"][evidence.off(feature)]
        assert not evidence.making[seen].any()
        assert not made & set(seen.tolist())


def test_notes_by_hand_win_and_can_be_taken_back(words: tuple[Dictionary, Index], tiny: Model) -> None:
    dictionary, index = words
    label_features(index, tiny)
    key = dictionary.key
    notes.say(key, 0, label="  <b>evenings</b> \u202e ")
    notes.say(key, 0, bookmark=True, note="look again")
    assert labels_of(index, dictionary)[0] == Label("<b>evenings</b> \u202e".strip(), "hand")
    assert notes.notes_of(key)[0] == notes.Note("<b>evenings</b> \u202e".strip(), "look again", True)
    assert notes.undo(key) == 0
    assert not notes.notes_of(key)[0].bookmark
    assert notes.undo(key, 0) == 0
    assert notes.notes_of(key) == {}
    assert notes.undo(key) is None
    assert labels_of(index, dictionary)[0].by == "automatic"
    with pytest.raises(UserError, match="too long"):
        notes.say(key, 0, label="x" * 10_000_000)
    path = index.folder.parents[1] / "notes" / f"{key}.json"
    path.write_text("{")
    assert notes.notes_of(key) == {}
    with pytest.raises(UserError, match="damaged"):
        notes.say(key, 0, label="other")


def test_hostile_labels_are_cut_or_passed_over(words: tuple[Dictionary, Index], tiny: Model) -> None:
    dictionary, index = words
    lines = {
        "0": {"label": "<script>alert(1)</script>", "score": 7, "terms": [["at", "x", 1e400], ["by", "x", 1], 3]},
        "1": {"label": "y" * 10_000_000, "score": 0.5, "terms": [["near", "z" * 9999, 1.0]] * 999},
        "2": ["not", "a", "label"],
        "99": {"label": "of no feature"},
        "-1": {"label": "of none either"},
    }
    (index.folder / FILE).write_text(json.dumps({"format": 1, "labels": lines}))
    found = labels_of(index, dictionary)
    assert set(found) == {0, 1}
    assert found[0] == Label("<script>alert(1)</script>", "automatic")
    assert len(found[1].text) == 500
    assert len(found[1].terms) == 16
    assert max(len(term.word) for term in found[1].terms) == 500
    assert table_of(index, tiny, found).loc[0, "label"] == "<script>alert(1)</script>"
    (index.folder / FILE).write_text("[" * 100_000)
    assert labels_of(index, dictionary) == {}


def test_the_table_is_sorted_and_filtered(words: tuple[Dictionary, Index], tiny: Model) -> None:
    _, index = words
    lines = table_of(index, tiny, {1: Label("b", "hand", 0.9), 2: Label("a", "hand", 0.7)})
    assert list(lines.columns) == list(COLUMNS)
    assert lines["dead"].tolist() == [False, False, False, True]
    assert lines["top_token"].tolist() == [*WORDS, ""]
    assert sorted_table(lines, "density")["feature"].tolist()[-1] == 3
    assert sorted_table(lines, "label")["label"].tolist() == ["a", "b", "", ""]
    assert sorted_table(lines, "label_score")["feature"].tolist()[:2] == [1, 2]
    assert sorted_table(lines, "label_score", descending=False)["feature"].tolist()[:2] == [2, 1]
    assert sorted_table(lines, "density", least={"label_score": 0.8})["feature"].tolist() == [1]
    with pytest.raises(UserError, match="no column 'beauty'"):
        sorted_table(lines, "beauty")


def test_search_finds_labels_and_texts(words: tuple[Dictionary, Index], tiny: Model) -> None:
    _, index = words
    labels = {0: Label("the end of a day", "hand"), 2: Label("joins words", "hand")}
    assert [one.feature for one in by_label(labels, "DAY end")] == [0]
    assert by_label(labels, "week") == []
    found = {one.feature: one.score for one in by_text(index, tiny, "Evening")}
    for feature in range(len(WORDS)):
        examples = feature_of(index, tiny, feature).examples
        shown = ["".join(token.text for token in one.tokens).casefold() for one in examples]
        assert found[feature] == sum("evening" in text for text in shown)
    assert found[0] == max(found.values())
    assert by_text(index, tiny, "no such words") == []
    with pytest.raises(UserError, match="nothing to search"):
        by_label(labels, "  ")
    with pytest.raises(UserError, match="too many"):
        by_text(index, tiny, "x" * 10_000_000)


@pytest.mark.slow
def test_search_by_meaning_finds_what_is_said_in_other_words(home: Path) -> None:
    labels = {0: Label("football match league", "hand"), 1: Label("bread butter cheese", "hand")}
    assert [one.feature for one in by_meaning(labels, "sport")] == [0, 1]
    assert [one.feature for one in by_meaning(labels, "food")] == [1, 0]


def test_a_typed_text_is_read_as_plain_encoding_reads_it(home: Path, tiny: Model) -> None:
    dictionary = bound(tiny, topk())
    read = active_in(tiny, dictionary, TEXTS[0])
    ids = torch.tensor([tiny.tokenizer(TEXTS[0])["input_ids"]])
    with torch.no_grad():
        stream = tiny.network(ids, output_hidden_states=True).hidden_states[LAYER + 1][0]
    codes = topk().encode(stream).numpy()
    assert "".join(read.pieces) == TEXTS[0]
    assert not read.kept[0]
    for feature in range(codes.shape[1]):
        own = read.codes_of(feature)
        np.testing.assert_allclose(own[read.kept], codes[read.kept, feature], rtol=1e-4, atol=1e-5)
        assert np.isnan(own[~read.kept]).all()
    for position in np.flatnonzero(read.kept):
        found = read.at(position)
        assert [value for _, value in found] == sorted((value for _, value in found), reverse=True)
        assert {feature for feature, _ in found} == set(np.flatnonzero(codes[position]).tolist())
    first = read.strongest()[0]
    assert first.strongest == pytest.approx(codes[read.kept].max(), rel=1e-4)
    density = np.zeros(codes.shape[1])
    density[first.feature] = 0.5
    assert first.feature not in {one.feature for one in read.strongest(density, 0.4)}
    with pytest.raises(UserError, match="no text"):
        active_in(tiny, dictionary, "  ")


def test_texts_of_a_set_are_indexed_once(home: Path) -> None:
    indexed = from_examples("sae-probes/92_glue_sst2", limit=50)
    assert len(set(indexed.texts)) == len(indexed.texts)
    assert indexed.places[:, 3].tolist() == [len(text) for text in indexed.texts]


def test_a_label_by_hand_is_tested_on_windows_that_nobody_saw(
    words: tuple[Dictionary, Index], tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.dictionaries.index.detection import makes_labels
    from core.dictionaries.index.feature import around_tokens

    _, index = words
    seen: list[tuple[int, int]] = []

    def around(own: Index, model: Model, places: list[tuple[int, int]]) -> list[tuple[list[str], int]]:
        seen.extend(places)
        return around_tokens(own, model, places)

    monkeypatch.setattr("core.dictionaries.index.meaning.around_tokens", around)
    monkeypatch.setattr("core.models.embed", lambda texts: np.eye(len(texts), 4))
    found = score_by_meaning(index, tiny, 2, "and")
    assert found is not None
    assert len(seen) == found.positives + found.negatives
    texts = {text for text, _ in seen}
    assert not texts & {one.text for one in feature_of(index, tiny, 2).examples}
    assert not makes_labels(index)[sorted(texts)].any()


@pytest.mark.slow
def test_a_label_by_hand_is_scored_by_what_it_means(words: tuple[Dictionary, Index], tiny: Model) -> None:
    _, index = words
    good = score_by_meaning(index, tiny, 0, "the evening")
    assert good is not None
    assert 3 <= good.positives <= 24
    assert 3 <= good.negatives <= 72
    other = score_by_meaning(index, tiny, 0, "quantum chromodynamics")
    assert other is not None
    assert good.auroc > 0.7 > other.auroc
    assert score_by_meaning(index, tiny, len(WORDS), "the evening") is None
    with pytest.raises(UserError, match="no label to test"):
        score_by_meaning(index, tiny, 0, " ")
