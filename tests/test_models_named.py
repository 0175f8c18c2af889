"""The architectures that we name: opened from a directory, read bit for bit, and steered by plain generate's tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core.models import KINDS, batch, open_model, record, tokenize
from core.steering import Decoding, Intervention, stream
from tests.tiny import NAMED, tiny_directory

TEXTS = ["The film was good and the music was better.", "She wrote a letter."]


@pytest.mark.parametrize("name", NAMED)
def test_read_and_steered(name: str, home: Path, tmp_path: Path) -> None:
    model = open_model(str(tiny_directory(tmp_path, name)))
    inputs = batch(model, tokenize(model, TEXTS, 64))
    sites = [site for layer in range(model.n_layers) for kind in KINDS if (site := model.find_site(layer, kind))]
    found = record(model, inputs, sites)
    with torch.no_grad():
        plain = model.network(**inputs, output_hidden_states=True).hidden_states
    for layer in range(model.n_layers):
        assert torch.equal(found[model.site(layer, "before")], plain[layer])
        if layer + 1 < model.n_layers:
            assert torch.equal(found[model.site(layer)], plain[layer + 1])
    assert {site.kind for site in sites} >= {"before", "after", "attention", "mlp"}
    assert all(h.shape[:2] == inputs["input_ids"].shape for h in found.values())

    ids = tokenize(model, TEXTS[:1], 64)[0]
    expected = model.network.generate(torch.tensor([ids]), max_new_tokens=10, do_sample=False)[0, len(ids) :].tolist()
    for site in (model.site(1), model.site(1, "attention")):
        vector = np.ones(model.width, dtype=np.float32) / model.width**0.5
        steps = stream(model, [ids], [[Intervention(site, vector, 0.0)]], Decoding(max_new_tokens=10))
        written = [step.tokens[0] for step in steps]
        assert [token for token in written if token is not None] == expected
