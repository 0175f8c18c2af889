"""What is recorded is what plain transformers computes, bit for bit, and nothing is left behind."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch

from core.errors import UserError
from core.models import Model, Site, batch, edit, gradients, open_model, record, tokenize
from core.models.recording import forward
from tests.tiny import tiny_directory

TEXTS = [
    "I watched the film last night and I thought it was",
    "No.",
    "A long and winding sentence that goes on and on, until at last nobody remembers how it began.",
]


def hooks(model: Model) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.network.modules())


def inputs_of(model: Model, texts: list[str] = TEXTS) -> dict[str, torch.Tensor]:
    return batch(model, tokenize(model, texts, 64))


def test_every_layer_is_bit_equal_to_hidden_states(smollm2: Model) -> None:
    inputs = inputs_of(smollm2)
    with torch.no_grad():
        plain = smollm2.network(**inputs, output_hidden_states=True, use_cache=False)
    found = record(smollm2, inputs, [smollm2.site(layer) for layer in range(smollm2.n_layers)])
    for layer in range(smollm2.n_layers - 1):
        assert torch.equal(found[smollm2.site(layer)], plain.hidden_states[layer + 1]), layer
    # The last hidden state of transformers is normed: ours is what goes into that norm.
    norm = smollm2.network.get_submodule(str(smollm2.layout.final_norm))
    with torch.no_grad():
        assert torch.equal(norm(found[smollm2.site(29)]), plain.hidden_states[30])


def test_the_block_adds_what_its_sites_say(smollm2: Model) -> None:
    inputs = inputs_of(smollm2)
    kinds = ("before", "after", "attention", "mlp", "hidden")
    found = dict(zip(kinds, record(smollm2, inputs, [smollm2.site(14, kind) for kind in kinds]).values(), strict=True))
    assert torch.equal(found["before"] + found["attention"] + found["mlp"], found["after"])
    down = smollm2.network.get_submodule(str(smollm2.layout.hidden[14]))
    with torch.no_grad():
        assert torch.equal(down(found["hidden"]), found["mlp"])


def test_the_pass_stops_after_the_deepest_site(smollm2: Model) -> None:
    reached: list[int] = []
    before = hooks(smollm2)  # transformers leaves some of its own on once hidden states were asked for
    handles = [
        smollm2.network.get_submodule(path).register_forward_hook(lambda *_, n=n: reached.append(n))
        for n, path in enumerate(smollm2.layout.blocks)
    ]
    try:
        record(smollm2, inputs_of(smollm2), [smollm2.site(3), smollm2.site(7), smollm2.site(7, "mlp")])
    finally:
        for handle in handles:
            handle.remove()
    # Block 7 is left from inside its own last hook, ours being behind the counting one.
    assert reached == list(range(8))
    assert hooks(smollm2) == before


def test_padding_changes_a_token_by_less_than_1e_5_of_its_norm(smollm2: Model) -> None:
    site = smollm2.site(20)
    together = record(smollm2, inputs_of(smollm2), [site])[site]
    for row, text in enumerate(TEXTS):
        alone = record(smollm2, inputs_of(smollm2, [text]), [site])[site][0]
        difference = (together[row, : len(alone)] - alone).norm(dim=-1)
        assert (difference <= 1e-5 * alone.norm(dim=-1)).all()


@pytest.fixture
def double(home: Path, tmp_path: Path) -> Model:
    """A tiny GPT-2 in float64: its norms, unlike Llama's, do not pass through float32."""
    model = open_model(str(tiny_directory(tmp_path, "gpt2")))
    model.network.double()
    return model


def test_gradients_equal_finite_differences(double: Model) -> None:
    inputs = inputs_of(double)
    last = inputs["attention_mask"].sum(dim=1) - 1

    def scalar(output: object) -> torch.Tensor:
        logits = output.logits[torch.arange(len(last)), last]  # type: ignore[attr-defined]
        return logits[:, 5] - logits[:, 9]

    sites = [double.site(0), double.site(1), double.site(1, "attention"), double.site(1, "hidden")]
    values, found = gradients(double, inputs, sites, scalar)
    generator = torch.Generator().manual_seed(0)
    for site in sites:
        step = torch.randn(found[site].shape, generator=generator, dtype=torch.float64)
        size = 1e-5
        ends = []
        for sign in (1, -1):
            with torch.no_grad(), edit(double, {site: lambda h, s=sign * size, d=step: h + s * d}):
                ends.append(scalar(forward(double, inputs)))
        slope = (ends[0] - ends[1]) / (2 * size)
        expected = (found[site] * step).sum(dim=(1, 2))
        assert slope == pytest.approx(expected, rel=1e-5, abs=1e-9), str(site)
    with torch.no_grad():
        assert values == pytest.approx(scalar(forward(double, inputs)), abs=1e-12)
    assert hooks(double) == 0


def test_an_edit_ends_with_its_block_also_when_the_pass_fails(tiny: Model) -> None:
    inputs = inputs_of(tiny)
    before = hooks(tiny)  # transformers leaves some of its own wherever hidden states were asked for
    plain = record(tiny, inputs, [tiny.site(2)])[tiny.site(2)]
    with edit(tiny, {tiny.site(0): lambda h: h * 2}):
        edited = record(tiny, inputs, [tiny.site(2)])[tiny.site(2)]
    assert not torch.equal(plain, edited)

    def fail(h: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"), edit(tiny, {tiny.site(0): fail, tiny.site(1): fail}):
        forward(tiny, inputs)
    assert hooks(tiny) == before
    assert torch.equal(record(tiny, inputs, [tiny.site(2)])[tiny.site(2)], plain)
    with pytest.raises(AttributeError), edit(tiny, {tiny.site(0): fail, Site(0, "after", "not.there", "output"): fail}):
        pass
    assert hooks(tiny) == before


def test_threads_do_not_meet_each_others_edits(tiny: Model) -> None:
    inputs, site = inputs_of(tiny), tiny.site(2)

    def edited(scale: float) -> torch.Tensor:
        with edit(tiny, {tiny.site(0): lambda h: h * scale}):
            return record(tiny, inputs, [site])[site]

    alone = {scale: edited(scale) for scale in range(6)}
    wrong: list[int] = []

    def work(scale: int) -> None:
        for _ in range(20):
            if not torch.equal(edited(scale), alone[scale]):
                wrong.append(scale)

    threads = [threading.Thread(target=work, args=(scale,)) for scale in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_threads_do_not_cut_each_others_texts(tiny: Model) -> None:
    text = "The film was good and the music was better than the rest of the evening. " * 6
    wrong: list[int] = []

    def work(length: int) -> None:
        for _ in range(300):
            if len(tokenize(tiny, [text], length)[0]) != length:
                wrong.append(length)

    threads = [threading.Thread(target=work, args=(length,)) for length in (7, 19, 31)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_gradients_pass_a_block_that_adds_in_place(home: Path, tmp_path: Path) -> None:
    model = open_model(str(tiny_directory(tmp_path, "falcon")))
    model.network.double()
    site = model.site(0, "mlp")
    inputs = inputs_of(model)

    def scalar(output: object) -> torch.Tensor:
        return output.logits[:, -1, 3]  # type: ignore[attr-defined]

    _, found = gradients(model, inputs, [site], scalar)
    step = torch.randn(found[site].shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ends = []
    for size in (1e-5, -1e-5):
        with torch.no_grad(), edit(model, {site: lambda h, by=size: h + by * step}):
            ends.append(scalar(forward(model, inputs)))
    slope = (ends[0] - ends[1]) / 2e-5
    assert slope == pytest.approx((found[site] * step).sum(dim=(1, 2)), rel=1e-4, abs=1e-8)


def test_what_is_not_there_is_named(tiny: Model) -> None:
    with pytest.raises(UserError, match="no layer 99: its layers are 0 to"):
        tiny.site(99)
    with pytest.raises(UserError, match="no kind of site called 'middle'"):
        tiny.site(0, "middle")  # type: ignore[arg-type]
    unused = Site(0, "after", "model.layers.0.mlp.act_fn", "input")
    with pytest.raises(UserError, match="Text 1"):
        tokenize(tiny, ["a", ""], 8)
    assert record(tiny, inputs_of(tiny), [unused])[unused].dim() == 3
