"""Ray as an engine: an actor for each worker, which Ray places, watches and starts again where it was lost.

What is handed out next is Ray's ActorPool's business; which of its workers' processes live, Ray's own. Nothing here
schedules anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from core.engines.connecting import connected
from core.engines.member import Answer, Member
from core.engines.team import Done, Opener, Piece
from core.engines.token import standing_token
from core.errors import UserError
from core.progress import Listener, Progress, silent

RETRIES = 3  # times that a piece whose worker was lost is done again: what ends four would end a fifth
# Pieces that a worker has at hand where answers are taken in order, so that it does not wait while others are.
# Elsewhere one: pieces may differ in size, and the last go to whoever is free.
AHEAD = 2
PLACING = 600.0  # seconds within which one worker has to be ready: a cluster may be starting a machine for it


@dataclass(frozen=True)
class RayEngine:
    """See Engine.

    address: "local" starts Ray here for as long as the team lasts, "auto" looks for one on this machine, `HOST:PORT` or
    `ray://HOST:PORT` is a cluster. workers: by default one for each GPU, and where there is none, 2. threads: of each
    worker, by default the processors shared out. device: as for `open_model`; "cpu" leaves the GPUs alone.
    """

    address: str = "local"
    workers: int | None = None
    threads: int | None = None
    device: str | None = None

    @contextmanager
    def team(self, opener: Opener, given: Any = None, *, progress: Listener = silent) -> Iterator[RayTeam]:
        with connected(self.address, self.workers, self.threads) as ray, standing_token() as token:
            workers, threads, gpus = shares(nodes_of(ray), self.workers, self.threads, self.device)
            # With no restart but Ray's own, a lost worker's piece waits for its new process, and the others go on.
            actor = ray.remote(num_cpus=threads, num_gpus=gpus, max_restarts=-1, max_task_retries=RETRIES)(Member)
            # Sent once, however many workers there are, and fetched again by one that was started again.
            fetch = None if given is None else partial(ray.get, ray.put(given))
            members = [actor.remote(opener, fetch, token, threads) for _ in range(workers)]
            try:
                yield RayTeam(ray, members, progress)
            finally:
                for member in members:
                    ray.kill(member)


class RayTeam:
    """Workers as Ray's actors. Raises UserError where one cannot start, differs from others, or is lost too often."""

    def __init__(self, ray: Any, members: Sequence[Any], progress: Listener) -> None:
        self._members = list(members)
        asked = [member.identity.remote() for member in members]
        first: list[Any] = []
        limit = time.monotonic() + PLACING
        while not first:
            first, _ = ray.wait(asked, num_returns=1, timeout=5)
            progress(Progress(0, 0, "workers", "waiting for a worker to load the model"))
            if not first and time.monotonic() > limit:
                raise UserError(
                    f"No worker of Ray was ready within {PLACING:.0f} seconds; see with `ray status` what else runs"
                    " there, or ask for fewer with --workers or --threads."
                )
        self._identity: dict[str, Any] = {}
        self._identity = self._taken(lambda: ray.get(first[0]))[0]

    @property
    def identity(self) -> dict[str, Any]:
        return self._identity

    def run(self, pieces: Sequence[Piece], *, ordered: bool = False) -> Iterator[Done]:
        from ray.util import ActorPool

        pool: Any = ActorPool(self._members * (AHEAD if ordered else 1))
        for place, piece in enumerate(pieces):
            pool.submit(lambda member, value: member.do.remote(*value), (place, piece))
        while pool.has_next():
            (place, value), worker = self._taken(pool.get_next if ordered else pool.get_next_unordered)
            yield Done(place, value, worker)

    def _taken(self, get: Callable[[], Answer]) -> tuple[Any, str]:
        """An answer of a worker, and which worker's it is."""
        from ray.exceptions import RayError, RayTaskError

        try:
            answer = get()
        except RayTaskError:
            raise  # a fault of ours, with the worker's traceback
        except RayError as error:
            raise UserError(
                f"A worker was lost {RETRIES + 1} times over the same piece of work ({type(error).__name__}), probably"
                " for want of memory; use fewer workers, or a smaller --max-length. What was finished is kept."
            ) from error
        if answer.error is not None:
            raise UserError(answer.error)
        other = answer.identity or {}
        # The same model may lie elsewhere on another machine.
        if names := [name for name, value in self._identity.items() if name != "id" and value != other.get(name)]:
            raise UserError(
                f"The worker {answer.worker} is not like the others: its {' and '.join(names)} differ; give all"
                " machines the same model and the same versions of the libraries."
            )
        return answer.value, answer.worker


def nodes_of(ray: Any) -> list[dict[str, float]]:
    """What each living machine of the cluster has."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def shares(
    nodes: Sequence[Mapping[str, float]], workers: int | None, threads: int | None, device: str | None
) -> tuple[int, int, int]:
    """How many workers, threads of each and GPUs of each. Raises UserError for more than the cluster has.

    nodes: what each machine has, under "CPU" and "GPU". A worker has to fit into one of them.
    """
    cpus = [int(node.get("CPU", 0)) for node in nodes]
    gpus = [0 if device == "cpu" else int(node.get("GPU", 0)) for node in nodes]
    wanted = workers or sum(gpus) or min(2, sum(cpus))
    if any(gpus) and wanted > sum(gpus):
        raise UserError(
            f"{wanted} workers need a GPU each, and Ray has {sum(gpus)}; ask for fewer, or use --device cpu."
        )

    def room(each: int) -> int:
        fit = [cpu // each for cpu in cpus]
        return sum(min(pair) for pair in zip(fit, gpus, strict=True)) if any(gpus) else sum(fit)

    each = threads or max(1, sum(cpus) // max(wanted, 1))
    while threads is None and each > 1 and room(each) < wanted:
        each -= 1
    if wanted < 1 or room(each) < wanted:
        spread = f" on {len(cpus)} machines, of which a worker needs one" if len(cpus) > 1 else ""
        raise UserError(
            f"{wanted} workers with {each} threads each need {wanted * each} processors, and Ray has"
            f" {sum(cpus)}{spread}; ask for fewer with --workers or --threads."
        )
    return wanted, each, int(any(gpus))
