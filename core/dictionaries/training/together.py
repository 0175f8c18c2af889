"""Several processes that learn one dictionary: `accelerate launch --num_processes 2 -m core sae train ...`.

The launcher starts the processes and says to each who it is; accelerate's state brings them together (gloo on
processors, nccl on GPUs). Each reads its own part of every block's texts, and all get the whole block, so that batches
are those of a run by one process. Of each batch a process learns from its own rows, and gradients are averaged, so that
all hold the same weights. What is sent is little beside the gradients: activations of 2,048 tokens of width 576 are
5 MB, gradients of 8,192 features 38 MB. These are sent whole: every process has other rows in them that are not 0.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch import Tensor

from core.errors import UserError

if TYPE_CHECKING:
    from core.dictionaries.training.trainer import Trainer

PATIENCE = timedelta(hours=2)  # for one another: the first process measures and saves while the others wait


@dataclass(frozen=True)
class Together:
    """This process among `count`; rank: 0 for the one that writes what is kept."""

    rank: int
    count: int

    @property
    def first(self) -> bool:
        return self.rank == 0

    def gathered(self, read: Callable[[Sequence[int]], Tensor], chosen: Sequence[int]) -> Tensor:
        """What `read` gives for all of `chosen`, (n, d), in order, of which this process reads its part."""
        if len(chosen) < self.count:
            return read(chosen)
        begin, end = (len(chosen) * rank // self.count for rank in (self.rank, self.rank + 1))
        own = read(chosen[begin:end]).contiguous()
        sizes = [torch.zeros(1, dtype=torch.long, device=own.device) for _ in range(self.count)]
        dist.all_gather(sizes, torch.tensor([len(own)], device=own.device))
        # As bytes, which every backend carries, whatever the precision; padded to one length.
        longest = max(int(size) for size in sizes)
        padded = own.new_zeros(longest, own.shape[1])
        padded[: len(own)] = own
        parts = [torch.empty_like(padded).view(torch.uint8) for _ in range(self.count)]
        dist.all_gather(parts, padded.view(torch.uint8))
        return torch.cat([part.view(own.dtype)[: int(size)] for part, size in zip(parts, sizes, strict=True)])

    def share(self, batch: Tensor) -> Tensor:
        """The rows (n, d) of a batch that this process learns from; all of them where there is not one for each."""
        return batch if len(batch) < self.count else batch.tensor_split(self.count)[self.rank]

    def weight(self, batch: Tensor) -> float:
        """How much of a batch's mean this process' mean is."""
        return 1 / self.count if len(batch) < self.count else len(self.share(batch)) / len(batch)

    def summed(self, *values: Tensor) -> None:
        """Put the sum over all processes into each tensor; every process gets the same bits."""
        for value in values:
            dist.all_reduce(value)

    def any_of(self, on: Tensor) -> Tensor:
        """Boolean (m,): where it is true in some process."""
        found = on.to(torch.uint8)
        dist.all_reduce(found, op=dist.ReduceOp.MAX)
        return found.bool()

    def agree(self, trainer: Trainer, number: int) -> None:
        """Let all begin with the first one's weights, and see that all begin at one place.

        Raises UserError where processes see different checkpoints: they have to share a workspace.
        """
        mine = torch.tensor([number, trainer.tokens], device=trainer.idle.device)
        firsts = mine.clone()
        dist.broadcast(firsts, 0)
        apart = (mine != firsts).any().to(torch.uint8)
        dist.all_reduce(apart, op=dist.ReduceOp.MAX)
        if apart:
            raise UserError("Processes that train together have to share one workspace, and these see different ones.")
        scale = torch.tensor(trainer.scale, dtype=torch.float64, device=trainer.idle.device)
        dist.broadcast(scale, 0)
        trainer.scale = float(scale)
        for tensor in trainer.state().values():
            dist.broadcast(tensor.data, 0)

    def wait(self) -> None:
        """Until all are here."""
        dist.barrier()


def together(device: str | None) -> Together | None:
    """This process among those that were launched together; None where it was started alone.

    device: as asked for on the command line; on GPUs each process gets its own. Raises UserError for one that several
    processes cannot share.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return None
    if device not in (None, "cpu", "cuda"):
        raise UserError(f"Processes that train together take a GPU each, or --device cpu, and not {device}.")
    from accelerate import PartialState

    state = PartialState(cpu=device == "cpu" or not torch.cuda.is_available(), timeout=PATIENCE)
    atexit.register(_part)
    return Together(state.process_index, state.num_processes)


def _part() -> None:
    """Let go of the others in order: a process that just ends may be aborted by its own connection's threads."""
    if dist.is_initialized():
        dist.destroy_process_group()
