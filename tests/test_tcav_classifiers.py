"""Classifiers of texts: their classes as targets, against plain transformers and finite differences."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from core.errors import UserError
from core.models import Model, open_model, tokenize
from core.models.head import head_of
from core.models.kinds import text_classes
from core.steering.decoding import Decoding
from core.steering.generate import stream
from core.tcav import make_target, word_target
from core.tcav.gradients import target_gradients
from core.tcav.pushing import pushed_values
from tests.tiny import tiny_config, tiny_tokenizer

TEXTS = ["The film was good and the music was long.", "The letter", "They ran to the station in the evening"]


@pytest.fixture(scope="module", params=["llama", "gpt2", "bert", "distilbert"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    directory = tmp_path_factory.mktemp("classifier") / request.param
    config = tiny_config(request.param)
    config.id2label = {0: "calm", 1: "angry", 2: "glad, happy"}
    config.label2id = {name: number for number, name in config.id2label.items()}
    if request.param in ("llama", "gpt2"):
        config.pad_token_id = None  # as many a model is published
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = AutoModelForSequenceClassification.from_config(config)
        for parameter in network.parameters():
            if parameter.dim() > 1:
                parameter.data *= 6
    network.save_pretrained(directory)
    tiny_tokenizer().save_pretrained(directory)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCEPTSCOPE_HOME", str(directory.parent / "home"))
        return open_model(str(directory))


def test_values_are_those_of_plain_transformers_whatever_the_batch(model: Model, home: Path) -> None:
    assert model.class_names == text_classes(model.id) == ("calm", "angry", "glad, happy")
    target = make_target(model, "class:happy|calm")
    found = target_gradients(model, target, TEXTS, [model.site(1)])
    plain = AutoModelForSequenceClassification.from_pretrained(model.id).eval()
    tokenizer = AutoTokenizer.from_pretrained(model.id)
    for value, text in zip(found.values, TEXTS, strict=True):
        with torch.no_grad():
            logits = plain(**tokenizer(text, return_tensors="pt")).logits[0]
        assert value == pytest.approx(float(logits[2] - logits[0]), rel=1e-4, abs=1e-5)
    assert len(set(found.values.round(4).tolist())) == 3, "the texts are told apart"


def test_gradients_are_finite_differences_of_pushes(model: Model, home: Path) -> None:
    if model.architecture == "llama":
        pytest.skip("its norms round to float32 whatever its weights are")
    precise = dataclasses.replace(model, network=model.network.double(), dtype=torch.float64, fingerprint="precise")
    try:
        target, site = make_target(precise, "class:angry"), precise.site(1)
        found = target_gradients(precise, target, TEXTS, [site])
        axes, step = np.eye(model.width)[:64], 1e-6
        up, down = (pushed_values(precise, target, TEXTS, site, way * step * axes) for way in (1, -1))
        expected = ((up - down) / (2 * step)).T
        assert found.at[site][:, :64] == pytest.approx(expected, abs=1e-5 * np.abs(expected).max())
    finally:
        model.network.float()


def test_what_needs_words_says_so(model: Model, home: Path) -> None:
    with pytest.raises(UserError, match="names classes: a target is one of them, such as class:calm"):
        make_target(model, "the|and")
    with pytest.raises(UserError, match="no class called 'zebra'"):
        make_target(model, "class:zebra")
    for wordy in (
        lambda: head_of(model),
        lambda: list(stream(model, tokenize(model, TEXTS[:1], 8), [[]], Decoding(max_new_tokens=2))),
        lambda: target_gradients(model, word_target(model, "the|and"), TEXTS, [model.site(1)]),
    ):
        with pytest.raises(UserError, match="predicts no words"):
            wordy()
