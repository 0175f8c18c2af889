"""Training a TopK dictionary against a plain dense PyTorch loop: tokens per second, and what each has learnt by then.

Both see the same batches of real activations after block 14 of smollm2, in the same order, with the same number of
features, k, batch size and learning rate. The plain loop is what one writes without thinking of speed: two matrix
products forwards, autograd backwards, Adam, decoder rows back to length 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from benchmarks.harness import Comparison, Work, alternate, compare, parser, report, tell
from benchmarks.texts import mixed_texts
from core.dictionaries.metrics.explained import explained_variance
from core.dictionaries.training.recipe import Recipe
from core.dictionaries.training.sources import activations_of
from core.dictionaries.training.topk import TopK
from core.dictionaries.training.trainer import Trainer
from core.models import open_model

LAYER, RATE = 14, 8e-4
HELD_OUT = 4096  # tokens


@dataclass(frozen=True)
class Task:
    """x: (n, d) tokens to learn from; held_out: (h, d) others. features, k, batch: the same for all ways."""

    x: Tensor
    held_out: Tensor
    features: int
    k: int
    batch: int

    @property
    def steps(self) -> int:
        return max(1, len(self.x) // self.batch)

    def batches(self, epoch: int) -> list[Tensor]:
        order = torch.randperm(len(self.x), generator=torch.Generator().manual_seed(epoch))
        return [self.x[order[i * self.batch : (i + 1) * self.batch]] for i in range(self.steps)]


# A way to train: learns from one batch at each call.
Learner = Callable[[Tensor], None]
# Codes (n, m) and reconstructions (n, d) of tokens (n, d).
Encoder = Callable[[Tensor], tuple[Tensor, Tensor]]


def make_task(texts: int, features: int, k: int, batch: int) -> Task:
    """Tokens of mixed texts; the last 4,096 (at most a quarter) are held out."""
    model = open_model("smollm2", device="cpu")
    x = activations_of(model, model.site(LAYER), mixed_texts(texts), 256).float()
    apart = min(HELD_OUT, len(x) // 4)
    chance = torch.randperm(len(x) - apart, generator=torch.Generator().manual_seed(0))
    tell(f"{len(x) - apart:,} tokens to learn from, {apart:,} held out")
    return Task(x[:-apart][chance], x[-apart:], features, k, batch)


def ours(task: Task, tokens: int) -> tuple[Learner, Encoder]:
    recipe = Recipe(features=task.features, tokens=tokens, batch=task.batch, rate=RATE)
    trainer = Trainer.start(TopK(k=task.k), recipe, task.x)

    def learn(batch: Tensor) -> None:
        list(trainer.learn(batch))

    def encode(x: Tensor) -> tuple[Tensor, Tensor]:
        sae = trainer.finish()
        codes = sae.encode(x)
        return codes, sae.decode(codes, x)

    return learn, encode


def plain(task: Task, tokens: int) -> tuple[Learner, Encoder]:
    """The dense loop, begun as ours is and with ours' schedule, so that only the work differs."""
    recipe = Recipe(features=task.features, tokens=tokens, batch=task.batch, rate=RATE)
    begun = Trainer.start(TopK(k=task.k), recipe, task.x)
    scale, w = begun.scale, begun.weights
    W_enc = w.W_enc.detach().T.clone().contiguous().requires_grad_(True)
    W_dec, b_enc, b_dec = (t.detach().clone().requires_grad_(True) for t in (w.W_dec, w.b_enc, w.b_dec))
    adam, seen = torch.optim.Adam([W_enc, W_dec, b_enc, b_dec], lr=RATE), [0]

    def encode_scaled(x: Tensor) -> tuple[Tensor, Tensor]:
        values, places = ((x - b_dec) @ W_enc + b_enc).topk(task.k, dim=1)
        codes = torch.zeros(len(x), task.features).scatter(1, places, values.relu())
        return codes, codes @ W_dec + b_dec

    def learn(batch: Tensor) -> None:
        x = batch * scale
        adam.param_groups[0]["lr"] = recipe.rate_at(seen[0] / tokens)
        loss = (encode_scaled(x)[1] - x).square().sum(dim=1).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        with torch.no_grad():
            W_dec.div_(W_dec.norm(dim=1, keepdim=True))
        seen[0] += len(batch)

    @torch.no_grad()
    def encode(x: Tensor) -> tuple[Tensor, Tensor]:
        codes, rebuilt = encode_scaled(x * scale)
        return codes, rebuilt / scale

    return learn, encode


WAYS: dict[str, Callable[[Task, int], tuple[Learner, Encoder]]] = {"ours": ours, "plain": plain}


def compare_training(
    task: Task, rounds: int, ways: dict[str, Callable[[Task, int], tuple[Learner, Encoder]]]
) -> list[Comparison]:
    """Every way learns from all tokens once in each round. Ours against each of the others; what each learnt is told.

    All have the same tokens behind them in the end: the round that warms up counts, but is not timed.
    """
    tokens = (rounds + 1) * task.steps * task.batch
    made = {name: way(task, tokens) for name, way in ways.items()}
    epochs = dict.fromkeys(ways, 0)

    def work(name: str) -> float:
        batches = task.batches(epochs[name])
        for batch in batches:
            made[name][0](batch)
        epochs[name] += 1
        return len(batches) * task.batch

    timed: dict[str, Work] = {name: partial(work, name) for name in ways}
    rates = {name: of_rounds[1:] for name, of_rounds in alternate(timed, rounds + 1).items()}
    for name, (_, encode) in made.items():
        codes, rebuilt = encode(task.held_out)
        dead = float((~(codes != 0).any(dim=0)).float().mean())
        explained = explained_variance(task.held_out, rebuilt)
        tell(f"{name}: explained variance {explained:.3f} held out, {dead:.1%} of features never on, {tokens:,} tokens")
    return [compare(f"sae-train-vs-{name}", "tokens/s", rates["ours"], rates[name]) for name in ways if name != "ours"]


def add_sizes(options: object) -> None:
    for name, default, about in (
        ("texts", 1000, "texts whose tokens are learnt from"),
        ("features", 4096, "features"),
        ("k", 32, "features on per token"),
        ("batch", 2048, "tokens per step"),
    ):
        options.add_argument(f"--{name}", type=int, default=default, help=f"{about} (default {default})")  # type: ignore[attr-defined]


def main() -> None:
    options = parser(__doc__ or "", rounds=3)
    add_sizes(options)
    chosen = options.parse_args()
    task = make_task(chosen.texts, chosen.features, chosen.k, chosen.batch)
    report(compare_training(task, chosen.rounds, WAYS), chosen.json)


if __name__ == "__main__":
    main()
