"""Two processes learn the dictionary that one learns, and either may go on with what the other began."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from core.dictionaries import open_dictionary
from core.dictionaries.training.together import Together, together
from core.dictionaries.training.trainer import Trainer
from core.errors import UserError
from tests.tiny import SENTENCES, tiny_directory

# What `accelerate launch` starts on GPUs; on processors it starts one process, unless there is MPI.
LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
SLOW = pytest.mark.slow  # each launch imports everything three times over


def run(processes: int, *arguments: str) -> str:
    program = LAUNCH if processes == 2 else [sys.executable]
    answer = subprocess.run([*program, "-m", *arguments], capture_output=True, text=True, check=False, timeout=300)
    assert answer.returncode == 0, answer.stderr[-3000:]
    return answer.stdout


def apart(one: str, two: str) -> float:
    """How far the weights of two dictionaries are from one another, as a share of their size."""
    ours, theirs = (open_dictionary(name).coder.tensors() for name in (one, two))
    assert set(ours) == set(theirs)
    return max(float((ours[key] - theirs[key]).norm() / ours[key].norm().clamp(min=1e-9)) for key in ours)


@SLOW
def test_two_learn_what_one_learns_and_go_on_with_it(home: Path, tmp_path: Path) -> None:
    model = str(tiny_directory(tmp_path, "llama"))
    assert run(1, "tests.trained_together", model, "alone") == "resumed 0\n"
    assert run(2, "tests.trained_together", model, "two") == "resumed 0\n"
    assert open_dictionary("two").card.recipe["processes"] == 2
    # Batches are the same; sums are made in another order, and texts padded in other company.
    print("two processes and one:", apart("alone", "two"))
    assert 0 < apart("alone", "two") < 1e-3
    run(2, "tests.trained_together", model, "two-one", "--stop", "700")
    resumed = run(1, "tests.trained_together", model, "two-one")
    assert 0 < int(resumed.split()[1]) < 1500
    assert apart("alone", "two-one") < 1e-3
    run(1, "tests.trained_together", model, "one-two", "--stop", "700")
    resumed = run(2, "tests.trained_together", model, "one-two")
    assert 0 < int(resumed.split()[1]) < 1500
    assert apart("alone", "one-two") < 1e-3


@SLOW
@pytest.mark.parametrize("method", ["batchtopk", "jumprelu"])
def test_methods_that_look_at_a_whole_batch_come_near(method: str, home: Path, tmp_path: Path) -> None:
    model = str(tiny_directory(tmp_path, "llama"))
    for processes, name in ((1, "alone"), (2, "two")):
        run(processes, "tests.trained_together", model, name, "--method", method)
    print(f"two processes and one, {method}:", apart("alone", "two"))
    assert apart("alone", "two") < 0.2


@SLOW
def test_the_command_is_launched_as_it_is(home: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(f"{one} And then {number} more came." for number in range(6) for one in SENTENCES))
    model = str(tiny_directory(tmp_path, "llama"))
    what = ["core", "sae", "train", model, "--layer", "1", "--texts", str(texts), "--features", "24", "--device", "cpu"]
    what += ["--tokens", "1500", "--batch", "100", "--set", "k=4", "--from-store"]
    assert run(2, *what, "--save", "two").count("Saved two") == 1
    run(1, *what, "--save", "alone")
    assert apart("alone", "two") < 1e-3


def test_one_process_is_no_team(monkeypatch: pytest.MonkeyPatch) -> None:
    assert together(None) is None
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert together("cpu") is None
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="a GPU each"):
        together("spread")


@pytest.mark.parametrize(("rows", "shares"), [(10, [4, 3, 3]), (3, [1, 1, 1]), (2, [2, 2, 2])])
def test_shares_make_the_mean_of_the_batch(rows: int, shares: list[int]) -> None:
    batch = torch.arange(rows * 2.0).reshape(rows, 2)
    team = [Together(rank, 3) for rank in range(3)]
    assert [len(one.share(batch)) for one in team] == shares
    mean = sum(one.weight(batch) * one.share(batch).mean(dim=0) for one in team)
    torch.testing.assert_close(mean, batch.mean(dim=0))


def test_gradients_of_shares_are_those_of_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `summed` has to add up, without processes: TopK's step on two shares is its step on the batch."""
    from core.dictionaries.training.recipe import Recipe
    from core.dictionaries.training.topk import TopK
    from tests.dictionaries import tokens

    recipe, x = Recipe(features=24, tokens=1000, batch=100), tokens(101, 16)
    kept: list[list[Tensor]] = []

    class Half(Together):
        def summed(self, *values: Tensor) -> None:
            kept[-1].extend(value.clone() for value in values)

        def any_of(self, on: Tensor) -> Tensor:
            return on

    whole = Trainer.start(TopK(k=4), recipe, x)
    found = whole.method.forward(whole.weights, x, {})
    found.loss.backward()
    for rank in (0, 1):
        kept.append([])
        trainer = Trainer.start(TopK(k=4), recipe, x)
        trainer.team = Half(rank, 2)
        trainer._step(x)
    for (name, tensor), one, two in zip(whole.weights.named(), *kept, strict=False):
        assert tensor.grad is not None
        torch.testing.assert_close(one + two, tensor.grad, rtol=1e-4, atol=1e-5, msg=name)
