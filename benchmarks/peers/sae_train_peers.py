"""Training a TopK dictionary with SAELens' trainer and with dictionary_learning's, ours beside them, taking turns.

All see the same batches in the same order, with the same numbers of features, k and tokens per step and the same
learning rate; beginnings, auxiliary losses and what else each does is its own.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
import types
from typing import Any

import torch
from torch import Tensor

from benchmarks.harness import parser, report
from benchmarks.sae_train import RATE, Encoder, Learner, Task, add_sizes, compare_training, make_task, ours


def with_saelens(task: Task, tokens: int) -> tuple[Learner, Encoder]:
    from sae_lens.config import SAETrainerConfig
    from sae_lens.saes.topk_sae import TopKTrainingSAE, TopKTrainingSAEConfig
    from sae_lens.training.sae_trainer import SAETrainer

    # Activations are scaled as its own option would scale them, so that the learning rate means the same.
    scale = float(task.x.shape[1] ** 0.5 / task.x.norm(dim=1).mean())
    torch.manual_seed(0)
    sae = TopKTrainingSAE(TopKTrainingSAEConfig(d_in=task.x.shape[1], d_sae=task.features, k=task.k))
    config = SAETrainerConfig(
        total_training_samples=tokens,
        train_batch_size_samples=task.batch,
        lr=RATE,
        lr_end=0.0,
        lr_warm_up_steps=max(1, tokens // task.batch // 50),
        lr_decay_steps=3 * (tokens // task.batch) // 10,
    )
    trainer: Any = SAETrainer(config, sae, iter(()))

    def learn(batch: Tensor) -> None:
        trainer.step(batch * scale)
        trainer.n_training_steps += 1

    @torch.no_grad()
    def encode(x: Tensor) -> tuple[Tensor, Tensor]:
        codes = sae.encode(x * scale)
        return codes, sae.decode(codes) / scale

    return learn, encode


def with_dictionary_learning(task: Task, tokens: int) -> tuple[Learner, Encoder]:
    _without_its_buffer()
    trainer_class = importlib.import_module("dictionary_learning.trainers.top_k").TopKTrainer
    scale = float(1 / task.x.square().sum(dim=1).mean().sqrt())  # what its own `normalize_activations` does
    steps = tokens // task.batch
    trainer = trainer_class(
        steps=steps,
        activation_dim=task.x.shape[1],
        dict_size=task.features,
        k=task.k,
        layer=14,
        lm_name="smollm2",
        lr=RATE,
        warmup_steps=max(1, steps // 50),
        decay_start=7 * steps // 10,
        seed=0,
        device="cpu",
    )
    done = [0]

    def learn(batch: Tensor) -> None:
        trainer.update(done[0], batch * scale)
        done[0] += 1

    @torch.no_grad()
    def encode(x: Tensor) -> tuple[Tensor, Tensor]:
        rebuilt, codes = trainer.ae(x * scale, output_features=True)
        return codes, rebuilt / scale

    return learn, encode


def _without_its_buffer() -> None:
    """Its package begins by importing an old nnsight for its buffer, which the trainer has no use for."""
    if "dictionary_learning" not in sys.modules:
        bare = types.ModuleType("dictionary_learning")
        found = importlib.metadata.distribution("dictionary-learning").locate_file("dictionary_learning")
        bare.__path__ = [str(found)]
        sys.modules["dictionary_learning"] = bare


def main() -> None:
    options = parser(__doc__ or "", rounds=3)
    add_sizes(options)
    chosen = options.parse_args()
    task = make_task(chosen.texts, chosen.features, chosen.k, chosen.batch)
    ways = {"ours": ours, "saelens": with_saelens, "dictionary_learning": with_dictionary_learning}
    report(compare_training(task, chosen.rounds, ways), chosen.json)


if __name__ == "__main__":
    main()
