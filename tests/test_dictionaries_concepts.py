"""Sparse probing, targeted perturbation, absorption: planted cases, other people's fits, and token-by-token loops."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from core.dictionaries import Dictionary, save_dictionary
from core.dictionaries.card import Card
from core.dictionaries.index.pooled import Pooled, pooled_codes
from core.dictionaries.metrics.absorption import FRAME, absorbed, absorption, letter_words
from core.dictionaries.metrics.perturbation import perturbation
from core.dictionaries.metrics.sparse_probing import class_differences, halves, sparse_probes
from core.dictionaries.neurons import neurons_of
from core.dictionaries.sae import Config, Sae
from core.directions.logistic import Logistic
from core.errors import UserError
from core.examples import Examples, from_lists
from core.models import Model, Site, open_model
from tests.commands import fails, run
from tests.made_features import save_small
from tests.pages import save_colours
from tests.tiny import tiny_directory

HERE = Site(1, "after", "model.layers.1", "output")


def pooled(codes: NDArray, means: NDArray) -> Pooled:
    """codes: (n, m), zeros and all."""
    features, rows = np.nonzero(codes.T)
    starts = np.searchsorted(features, np.arange(codes.shape[1] + 1))
    return Pooled(starts, rows.astype(np.int32), codes.T[features, rows].astype(np.float32), means.astype(np.float32))


def examples(n: int, name: str = "set") -> Examples:
    return from_lists([f"{name} good {i}" for i in range(n)], [f"{name} bad {i}" for i in range(n)], name)


def bound(rows: NDArray) -> Dictionary:
    m, d = rows.shape
    weights = {
        "W_enc": torch.from_numpy(rows.T.astype(np.float32)).contiguous(),
        "W_dec": torch.from_numpy(rows.astype(np.float32)),
        "b_enc": torch.zeros(m),
        "b_dec": torch.zeros(d),
    }
    return Dictionary("d", Sae(Config("standard", d, m, d), weights), Card("m", "f", HERE, HERE, HERE))


def test_a_few_features_are_probed_as_scikit_learn_does() -> None:
    chance, made = np.random.default_rng(0), examples(60)
    y = np.asarray(made.labels)
    codes = np.maximum(chance.standard_normal((120, 9)), 0)
    codes[:, 3] += 1.5 * y
    codes[:, 7] += 0.8 * (1 - y)
    x = chance.standard_normal((120, 5))
    x[:, 2] += 0.7 * y
    read = pooled(codes, x)
    found = sparse_probes(read, made)
    dealt = halves(read, made)
    train, test = dealt.train, dealt.test
    assert not set(train) & set(test)
    means = codes.astype(np.float32)[train]
    gaps = np.abs(means[y[train] == 1].mean(0) - means[y[train] == 0].mean(0))
    order = np.argsort(-gaps)
    np.testing.assert_allclose(np.abs(class_differences(read, dealt.labels, train)), gaps, atol=1e-5)
    for one in found.probes:
        assert list(one.features) == order[: one.k].tolist()
        scale = StandardScaler().fit(codes[train][:, order[: one.k]])
        fit = LogisticRegression(C=1.0).fit(scale.transform(codes[train][:, order[: one.k]]), y[train])
        score = roc_auc_score(y[test], fit.decision_function(scale.transform(codes[test][:, order[: one.k]])))
        assert one.auroc == pytest.approx(score, abs=0.004)
        assert one.interval[0] <= one.auroc <= one.interval[1]
    assert found.probes[0].features[0] == 3
    own = x[train]
    best = int(np.abs(own[y[train] == 1].mean(0) - own[y[train] == 0].mean(0)).argmax())
    alone = roc_auc_score(y[test], x[test][:, best])
    assert found.probes[0].coordinates == pytest.approx(max(alone, 1 - alone), abs=1e-9)
    assert found.probes[0].auroc > found.probes[0].random + 0.15
    assert [one.k for one in sparse_probes(pooled(codes[:, :2], x), made).probes] == [1, 2]
    with pytest.raises(UserError, match="no feature is on"):
        sparse_probes(pooled(np.zeros((120, 4)), x), made)


def test_a_probe_that_says_the_same_of_all_held_out_texts_tells_nothing() -> None:
    made, chance = examples(60), np.random.default_rng(0)
    dealt = halves(pooled(np.ones((120, 1)), chance.standard_normal((120, 3))), made)
    codes = np.zeros((120, 1))
    codes[[row for row in dealt.train if made.labels[row] == 1]] = 1
    (one,) = sparse_probes(pooled(codes, chance.standard_normal((120, 3))), made).probes
    assert (one.auroc, one.interval) == (0.5, (0.0, 1.0))


def test_texts_without_tokens_are_left_out() -> None:
    made, chance = examples(20), np.random.default_rng(1)
    x = chance.standard_normal((40, 3))
    x[5] = np.nan
    dealt = halves(pooled(np.ones((40, 6)), x), made)
    assert 5 not in {*dealt.train.tolist(), *dealt.test.tolist()}
    assert len(dealt.train) + len(dealt.test) == 39


def two_concepts(shared: float = 0.0) -> tuple[Dictionary, list[tuple[Examples, Pooled]], list[NDArray], list[NDArray]]:
    """Two concepts, each with a feature of its own (0 and 1), others of noise. shared: how far row 1 leans to row 0;
    then each set's texts have the other's feature too, all of them alike.

    Also the codes (n, tokens, m) and the activations (n, tokens, d) of every token.
    """
    chance, m, d, tokens = np.random.default_rng(3), 12, 16, 4
    rows = np.linalg.qr(chance.standard_normal((d, d)))[0][:m]
    rows[1] = (rows[1] + shared * rows[0]) / np.linalg.norm(rows[1] + shared * rows[0])
    sets, codes, acts = [], [], []
    for concept in range(2):
        made = examples(60, f"set{concept}")
        own = np.maximum(0.3 * chance.standard_normal((120, tokens, m)), 0)
        own[:, :, concept] += 3 * np.asarray(made.labels)[:, None]
        own[:, :, 1 - concept] += 2 if shared else 0
        x = own @ rows + 0.02 * chance.standard_normal((120, tokens, d))
        sets.append((made, pooled(own.mean(axis=1), x.mean(axis=1))))
        codes.append(own)
        acts.append(x)
    return bound(rows), sets, codes, acts


def test_taking_a_concepts_features_out_breaks_its_own_probe_alone() -> None:
    dictionary, sets, _, _ = two_concepts()
    found = perturbation(dictionary, sets, counts=(1,))
    assert found.clean == (1.0, 1.0)
    (one,) = found.results
    assert one.own == pytest.approx(0.5, abs=0.03)  # all texts look like negatives
    assert abs(one.others) < 0.02
    assert one.score == pytest.approx(one.own - one.others)
    assert one.interval[0] <= one.score <= one.interval[1]
    assert one.random < 0.25
    with pytest.raises(UserError, match="two sets at the least"):
        perturbation(dictionary, sets[:1])
    assert isinstance(dictionary.coder, Sae)
    scaled = Sae(replace(dictionary.coder.cfg, scaling="layer_norm"), dictionary.coder.tensors())
    with pytest.raises(UserError, match="divides each token by its own scale"):
        perturbation(dictionary.replaced(coder=scaled), sets)


def test_a_probe_that_is_turned_round_falls_by_more_than_half() -> None:
    """Strong features tell the classes, weak ones say the opposite; without the strong ones every text is mistaken."""
    sets, basis = [], np.eye(8)
    rows = np.concatenate([sign * basis[[axis]] for axis in range(2) for sign in (1, -1, 1, -1)])
    for concept in range(2):
        made, codes = examples(60, f"set{concept}"), np.zeros((120, 8))
        y = np.asarray(made.labels)
        codes[:, 4 * concept : 4 * concept + 4] = np.stack([4 * y, 4 * (1 - y), 1 - y, y], axis=1)
        x = codes @ rows + 0.01 * np.random.default_rng(concept).standard_normal((120, 8))
        sets.append((made, pooled(codes, x)))
    (one,) = perturbation(bound(rows), sets, counts=(2,)).results
    assert one.own > 0.7
    assert one.score > 0.7


def test_accuracies_are_those_of_activations_without_the_features_token_by_token() -> None:
    dictionary, sets, codes, acts = two_concepts(shared=1.0)
    found = perturbation(dictionary, sets, counts=(2,))
    rows = dictionary.coder.W_dec.numpy().astype(np.float64)
    probes, chosen, dealt = [], [], []
    for (made, read), x, own in zip(sets, acts, codes, strict=True):
        one = halves(read, made)
        y, means = np.asarray(made.labels), x.mean(axis=1)
        w = Logistic().fit(read.means[one.train].astype(np.float64), y[one.train], groups=made.groups[one.train])
        middle = [means[[r for r in one.train if y[r] == label]].mean(axis=0) @ w for label in (0, 1)]
        effect = []
        for feature in range(len(rows)):
            gap = [own[[r for r in one.train if y[r] == label]][:, :, feature].mean() for label in (0, 1)]
            effect.append((gap[1] - gap[0]) * float(rows[feature] @ w))
        probes.append((w, sum(middle) / 2))
        chosen.append(sorted(range(len(rows)), key=lambda f: -effect[f])[:2])
        dealt.append(one)
    for i, (made, _) in enumerate(sets):
        for j in range(2):
            right = 0
            for text in dealt[i].test:
                tokens = [acts[i][text, t] - sum(codes[i][text, t, f] * rows[f] for f in chosen[j]) for t in range(4)]
                logit = float(np.mean(tokens, axis=0) @ probes[i][0]) - probes[i][1]
                right += (logit > 0) == bool(made.labels[text])
            assert found.results[0].accuracy[i][j] == pytest.approx(right / len(dealt[i].test), abs=1 / 60 + 1e-9)
    assert found.results[0].others > 0  # rows lean on one another, so that the other's probe suffers too


def planted(silent: int) -> tuple[Pooled, NDArray, NDArray]:
    """80 words of `a` and of `b`: feature 0 and 1 are their letters', but at every `silent`-th word of `a` feature 0 is
    off and a feature of that word writes along the letter instead."""
    n, d = 160, 24
    letters = np.array(["a"] * 80 + ["b"] * 80)
    chance = np.random.default_rng(0)
    basis = np.linalg.qr(chance.standard_normal((d, d)))[0]
    rows = np.concatenate([basis[:2], np.zeros((n, d))])
    codes = np.zeros((n, len(rows)))
    for word in range(n):
        side = basis[0] if word < 80 else basis[1]
        own = basis[2 + word % 20]
        alone = word < 80 and word % silent == 0
        rows[2 + word] = (own + 2 * side) / np.sqrt(5) if alone else own
        codes[word, 0 if word < 80 else 1] = 0 if alone else 2
        codes[word, 2 + word] = np.sqrt(5) if alone else 1
    x = codes @ rows + 0.01 * chance.standard_normal((n, d))
    return pooled(codes, x), rows.astype(np.float32), letters


def test_absorption_is_what_was_planted() -> None:
    found = absorbed(*planted(silent=4))
    a, b = found.letters
    assert (a.letter, a.main[0], b.main[0]) == ("a", 0, 1)
    assert a.probe > 0.99
    assert a.absorbed == pytest.approx(0.25, abs=0.12)  # which words are held out is drawn
    assert a.missed == a.absorbed
    assert (b.absorbed, b.missed) == (0, 0)
    assert found.absorbed == pytest.approx((a.absorbed + b.absorbed) / 2)
    assert a.control < a.absorbed
    assert a.fraction > b.fraction
    none = absorbed(*planted(silent=1000)).letters[0]
    assert none.absorbed <= 0.03


def test_a_word_is_absorbed_only_if_another_feature_carries_its_letter() -> None:
    codes, rows, letters = planted(silent=4)
    rows = rows.copy()
    absorbing = [2 + word for word in range(0, 80, 4)]
    rows[absorbing] -= 1.5 * np.outer(rows[absorbing] @ rows[0], rows[0])  # now they write against the letter
    found = absorbed(codes, rows, letters).letters[0]
    assert found.missed > 0.1
    assert found.absorbed == 0
    with pytest.raises(UserError, match="two first letters"):
        absorbed(codes, rows, np.array(["a"] * 160))


@pytest.fixture
def model(home_with_model: Path, tmp_path: Path) -> Model:
    return open_model(str(tiny_directory(tmp_path, "llama")))


def test_the_last_tokens_codes_are_pooled(model: Model) -> None:
    dictionary, texts = save_small(model), [f"{FRAME} {word}" for word in ("apple", "bear")]
    read = pooled_codes(model, dictionary, texts, pool="last")
    for number, text in enumerate(texts):
        ids = torch.tensor([model.tokenizer(text)["input_ids"]])
        with torch.no_grad():
            state = model.network(ids, output_hidden_states=True).hidden_states[2][0, -1]
        np.testing.assert_allclose(read.means[number], state, atol=1e-4)
        np.testing.assert_allclose(
            read.of(range(read.n_features))[:, number], dictionary.coder.encode(state), atol=1e-3
        )


def test_words_of_the_vocabulary_are_balanced(smollm2: Model) -> None:
    words = letter_words(smollm2)
    first = [word[0] for word in words]
    assert len(set(words)) == len(words)
    assert all(20 <= first.count(letter) <= 60 for letter in set(first))
    assert len(set(first)) >= 20
    assert words == letter_words(smollm2)
    for word in words[::97]:
        assert len(smollm2.tokenizer(f" {word}", add_special_tokens=False)["input_ids"]) == 1


def test_the_command_says_all_three(model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_small(model)
    save_colours("colours")
    save_colours("again", rows=20)
    found = run(capsys, "sae", "probe", "mine", "--examples", "colours,again", "--no-letters")
    assert [one["examples_id"] for one in found["sparse"]] == ["colours", "again"]
    assert [one["k"] for one in found["sparse"][0]["probes"]][:2] == [1, 2]
    assert len(found["perturbation"]["clean"]) == 2
    assert found["absorption"] is None
    scaled = Sae(replace(_bound(model)[0].cfg, scaling="layer_norm"), _bound(model)[0].tensors())
    save_dictionary(Dictionary("scaled", scaled, _bound(model)[1]), "scaled")
    found = run(capsys, "sae", "probe", "scaled", "--examples", "colours,again", "--no-letters")
    assert found["perturbation"] is None
    assert "by its own scale" in found["unperturbed"]
    assert "names no set" in fails(capsys, "sae", "probe", "mine", "--examples", ",")
    words = [f"{letter}{number}" for letter in "ab" for number in range(24)]
    dictionary = Dictionary("x", *_bound(model))
    letters = absorption(model, dictionary, words=words)
    assert {one.letter for one in letters.letters} | set(letters.unread) == {"a", "b"}
    neurons, reads, writes = neurons_of(model, 1)
    apart = Dictionary("n", neurons, Card(model.id, model.fingerprint, reads, writes, writes))
    with pytest.raises(UserError, match="reads one place and rebuilds another"):
        absorption(model, apart, words=words)


def _bound(model: Model) -> tuple[Sae, Card]:
    saved = save_small(model, "other", replace=True)
    assert isinstance(saved.coder, Sae)
    return saved.coder, saved.card
