"""The tuned lens: its parts against slow or other people's versions, the whole by what it is for."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from sklearn.linear_model import Ridge

from core import workspace
from core.errors import UserError
from core.lenses import LensSettings, TunedLens, find_lens, load_lens, train_lens
from core.lenses.course import Course
from core.lenses.library import read_manifest, save_lens
from core.lenses.reading import divergence
from core.lenses.streams import hold_out, read_streams, rounds, spread
from core.lenses.translator import BETAS, Moments, Translator
from core.lenses.vocabulary import Vocabulary
from core.models import Model, logits_at, open_model, tokenize
from core.models.checksums import digest_of
from core.progress import Progress
from tests.tiny import SENTENCES, lively_directory

QUICK = LensSettings(batch_tokens=64, learning_rate=2e-3, frequent=96, sampled=64, max_length=32, round_tokens=400)


def sentences(number: int) -> list[str]:
    rng = random.Random(0)
    words = " ".join(SENTENCES).split()
    return [" ".join(rng.choices(words, k=rng.randint(5, 14))) for _ in range(number)]


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A tiny model that says different things of different texts."""
    directory = tmp_path_factory.mktemp("lively")
    patch = pytest.MonkeyPatch()
    patch.setenv("CONCEPTSCOPE_HOME", str(directory / "home"))
    try:
        return open_model(str(lively_directory(directory, "llama")))
    finally:
        patch.undo()


@pytest.fixture(scope="module")
def trained(lively: Model, tmp_path_factory: pytest.TempPathFactory) -> TunedLens:
    patch = pytest.MonkeyPatch()
    patch.setenv("CONCEPTSCOPE_HOME", str(tmp_path_factory.mktemp("lens")))
    try:
        return train_lens(lively, sentences(240), settings=QUICK)
    finally:
        patch.undo()


def test_it_is_nearer_to_the_model_than_the_logit_lens_on_texts_held_out(trained: TunedLens) -> None:
    held_out = trained.manifest["held_out"]
    assert [one["layer"] for one in held_out["layers"]] == [0, 1, 2]
    assert held_out["n_texts"] == 60
    for one in held_out["layers"]:
        assert one["tuned_kl"] < 0.75 * one["logit_kl"]
        assert one["gain_ci"][0] > 0
        assert one["tuned_ci"][0] <= one["tuned_kl"] <= one["tuned_ci"][1]
        assert one["gain_kl"] == pytest.approx(one["logit_kl"] - one["tuned_kl"])
        assert one["tuned_agree"] > one["logit_agree"]


def test_the_descent_improves_on_the_regression(lively: Model, home: Path, trained: TunedLens) -> None:
    still = LensSettings(**{**vars(QUICK), "learning_rate": 1e-6})
    regressed = train_lens(lively, sentences(240), settings=still).manifest["held_out"]["layers"]
    pairs = zip(trained.manifest["held_out"]["layers"], regressed, strict=True)
    ratios = [one["tuned_kl"] / other["tuned_kl"] for one, other in pairs]
    assert max(ratios) < 1
    assert np.mean(ratios) < 0.97


def test_the_held_out_divergence_is_as_defined(lively: Model, trained: TunedLens) -> None:
    texts = sentences(240)
    train, held = hold_out(texts, 100, 0)
    assert not {texts[row] for row in train} & {texts[row] for row in held}
    ids = tokenize(lively, texts, 32)
    values = []
    for row in held:
        sites = [lively.site(1), lively.site(3)]
        streams, origin = read_streams(lively, ids, [row], sites)
        places = spread(origin, 20)
        x = (streams[sites[0]][places] - trained.centres[1]) @ trained.matrices[1] + trained.biases[1]
        p, q = (torch.log_softmax(logits_at(lively, h).double(), -1) for h in (streams[sites[1]][places], x))
        values += (p.exp() * (p - q)).sum(-1).tolist()
    assert trained.manifest["held_out"]["n_tokens"] == len(values)
    assert trained.manifest["held_out"]["layers"][1]["tuned_kl"] == pytest.approx(np.mean(values), rel=1e-4)


class Stop(Exception):
    pass


@pytest.mark.parametrize("after", [4, 13, 16])  # in the regression, and in the descent
def test_a_stopped_training_goes_on_to_the_same_lens(
    after: int, lively: Model, home: Path, trained: TunedLens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.lenses.course.SAVE_EVERY", 0.0)
    calls = []

    def stop(moment: Progress) -> None:
        calls.append(moment)
        if len(calls) > after:
            raise Stop

    with pytest.raises(Stop):
        train_lens(lively, sentences(240), settings=QUICK, progress=stop)
    again: list[Progress] = []
    lens = train_lens(lively, sentences(240), settings=QUICK, progress=again.append)
    assert again[0].done == calls[-1].done  # it does not begin anew
    for name in ("matrices", "centres", "biases"):
        assert torch.equal(getattr(lens, name), getattr(trained, name))
    assert lens.manifest["held_out"] == trained.manifest["held_out"]
    assert [path.name for path in workspace.place("lenses", lens.key, "x").parent.iterdir()] == ["lens.safetensors"]


def written(counts: Any, **more: Any) -> bytes:
    """What is kept of a course, its checksum right for anything that is an object."""
    tensors = {"mass": torch.ones(3)} | more
    if isinstance(counts, dict):
        counts = {**counts, "check": workspace.digest([counts, digest_of(tensors)])}
    return safetensors.torch.save(tensors, metadata={"course": json.dumps(counts)})


@pytest.mark.parametrize("counts", [[1], None, {}, {"position": 1}, {"position": 1, "steps": None}])
def test_a_course_that_is_told_of_oddly_begins_anew(counts: Any, lively: Model, home: Path) -> None:
    course = Course(lively, "key", (0,), [[1, 2, 3]] * 8, range(8), QUICK)
    workspace.write_bytes(course.path, written(counts))
    course._resume()
    assert (course.position, course.steps, course.tokens) == (0, 0, 0)
    assert not len(course.mass)
    whole = {"position": 0, "steps": 0, "tokens": 5}
    data = written(whole)
    workspace.write_bytes(course.path, data.replace(b"mass", b"mess"))
    course._resume()
    assert course.tokens == 0


def test_a_lens_of_an_earlier_version_is_taken_as_it_is(trained: TunedLens, home: Path) -> None:
    path = save_lens(trained)
    tensors = safetensors.torch.load_file(path)
    assert "check" in read_manifest(path)
    told = {"format": "tuned-lens/1", "layers": trained.layers, "recipe": trained.manifest["recipe"]}
    workspace.write_bytes(path, safetensors.torch.save(tensors, metadata={"conceptscope": json.dumps(told)}))
    assert torch.equal(load_lens(trained.key).matrices, trained.matrices)
    told["format"] = "tuned-lens/2"  # which never lacked one
    workspace.write_bytes(path, safetensors.torch.save(tensors, metadata={"conceptscope": json.dumps(told)}))
    with pytest.raises(UserError, match="no sound manifest"):
        load_lens(trained.key)


def test_layers_trained_in_groups_are_the_same(
    lively: Model, home: Path, trained: TunedLens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.lenses.training.GROUP_BYTES", 1)
    lens = train_lens(lively, sentences(240), settings=QUICK)
    torch.testing.assert_close(lens.matrices, trained.matrices, rtol=1e-3, atol=1e-4)


def test_a_lens_is_found_and_read_again(lively: Model, home: Path) -> None:
    assert find_lens(lively) is None
    lens = train_lens(lively, sentences(40), layers=[1], settings=QUICK)
    assert find_lens(lively) == lens.key
    path = workspace.place("lenses", lens.key, "lens.safetensors")
    written = path.stat().st_mtime_ns
    again = train_lens(lively, sentences(40), layers=[1, lively.n_layers - 1], settings=QUICK)
    assert path.stat().st_mtime_ns == written
    assert torch.equal(again.matrices, lens.matrices)
    assert again.manifest == lens.manifest
    path.write_bytes(path.read_bytes()[:-40])
    assert find_lens(lively) is None or load_lens  # a damaged file is passed over or refused
    with pytest.raises(UserError, match="delete its folder"):
        load_lens(lens.key)


def test_other_choices_give_another_key(lively: Model, home: Path) -> None:
    keys = {
        train_lens(lively, sentences(n), layers=layers, settings=LensSettings(**{**vars(QUICK), **more})).key
        for n, layers, more in [(16, [0], {}), (20, [0], {}), (16, [1], {}), (16, [0], {"seed": 1})]
    }
    assert len(keys) == 4


@pytest.mark.parametrize("texts", [["one text"] * 50, ["a b", "c d"]])
def test_too_few_texts_are_refused(texts: list[str], lively: Model, home: Path) -> None:
    with pytest.raises(UserError, match="different texts"):
        train_lens(lively, texts, settings=QUICK)


def test_the_last_layer_alone_is_refused(lively: Model, home: Path) -> None:
    with pytest.raises(UserError, match="before the last one"):
        train_lens(lively, sentences(40), layers=[lively.n_layers - 1])


def test_the_regression_is_ridge_regression() -> None:
    generator = torch.Generator().manual_seed(0)
    h = torch.randn((500, 6), generator=generator) * torch.tensor([1.0, 30.0, 2.0, 0.1, 1.0, 5.0]) + 7
    y = h @ torch.randn((6, 4), generator=generator) + torch.randn((500, 4), generator=generator) + 3
    moments = Moments.starting(h[:100], y[:100])
    for first in range(0, 500, 100):
        moments.add(h[first : first + 100], y[first : first + 100])
    centre, matrix, bias = moments.solve(0.02).folded()
    alpha = 0.02 * float(np.var(h.numpy().astype(np.float64), axis=0).mean()) * 500
    ridge = Ridge(alpha=alpha).fit(h.double().numpy(), y.double().numpy())
    np.testing.assert_allclose(matrix.numpy(), ridge.coef_.T, rtol=2e-3, atol=1e-4)
    np.testing.assert_allclose(((h - centre) @ matrix + bias).numpy(), ridge.predict(h.numpy()), rtol=1e-3, atol=2e-3)


def test_a_step_is_one_of_adam_on_the_divergence(lively: Model) -> None:
    generator = torch.Generator().manual_seed(0)
    d, vocabulary = lively.width, Vocabulary(lively)
    centre, bias, h = torch.randn((3, d), generator=generator)[:, None].unbind()
    h = h + torch.randn((9, d), generator=generator)
    white, matrix = torch.randn((2, d, d), generator=generator) / d**0.5
    final = torch.log_softmax(torch.randn((9, 320), generator=generator), -1)
    translator = Translator(centre[0], white, matrix.clone(), bias[0].clone())
    learnt = [matrix.clone().requires_grad_(), bias[0].clone().requires_grad_()]
    adam = torch.optim.Adam(learnt, lr=1e-2, betas=BETAS)
    part = vocabulary.draw(1000, 1000, generator)
    for number in (1, 2, 3):
        logits = lively.network.lm_head(lively.network.model.norm((h - centre) @ white @ learnt[0] + learnt[1]))
        loss = torch.nn.functional.kl_div(torch.log_softmax(logits, -1), final, log_target=True, reduction="sum") / 9
        adam.zero_grad()
        loss.backward()
        adam.step()
        assert translator.step(h, final, vocabulary, part, 1e-2, number) == pytest.approx(loss.item(), rel=1e-4)
    torch.testing.assert_close(translator.matrix, learnt[0].detach(), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(translator.bias, learnt[1].detach(), rtol=1e-3, atol=1e-4)


def test_drawn_tokens_stand_for_the_rest(lively: Model) -> None:
    vocabulary, generator = Vocabulary(lively), torch.Generator().manual_seed(0)
    h = torch.randn((4, lively.width), generator=generator)
    whole = torch.log_softmax(logits_at(lively, h), -1)
    vocabulary.order = whole[0].argsort(descending=True)
    sums = []
    for _ in range(3000):
        part = vocabulary.draw(40, 20, generator)
        assert part.ids is not None
        assert len(part.ids) == 60
        assert part.ids[:40].tolist() == vocabulary.order[:40].tolist()
        # The log-probability of a token that is always there tells the sum of exponentials that was found.
        sums.append((whole[:, part.ids[0]] - vocabulary.log_probabilities(h, part)[:, 0]).exp())
    np.testing.assert_allclose(torch.stack(sums).mean(0), 1, atol=0.03)
    vocabulary.order = vocabulary.order[:50]
    torch.testing.assert_close(vocabulary.log_probabilities(h, vocabulary.draw(40, 20, generator)), whole)


def test_a_divergence_by_hand() -> None:
    final, said = torch.tensor([[0.5, 0.5, 0.0]]), torch.tensor([[0.25, 0.5, 0.25]])
    found = divergence(final.log().clamp(min=-1e9), said.log())
    assert float(found[0]) == pytest.approx(0.5 * math.log(2))


def test_rounds_hold_every_text_once_and_few_tokens() -> None:
    ids = [[0] * length for length in (3, 30, 7, 9, 11, 2, 2)]
    found = rounds(ids, range(7), 20, 0, 0)
    assert sorted(row for rows in found for row in rows) == list(range(7))
    assert all(sum(len(ids[row]) for row in rows) <= 20 or len(rows) == 1 for rows in found)
    assert found == rounds(ids, range(7), 20, 0, 0)
    assert found != rounds(ids, range(7), 20, 0, 1)
