"""Reaching Ray: a cluster by its address, or one of our own on this machine."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from core.errors import UserError

PATIENCE = 5.0  # seconds within which a cluster's port has to answer
FOLDER = "conceptscope-ray-"
QUIET = {"log_to_driver": False, "logging_level": logging.ERROR}
_WORD = secrets.token_hex(32)  # of the Rays that this process starts


@contextmanager
def connected(address: str, workers: int | None, threads: int | None) -> Iterator[Any]:
    """The module `ray`, connected. Raises UserError where it is not installed, or nothing answers at the address."""
    if find_spec("ray") is None:
        raise UserError("Ray is not installed here: `make ray` brings it; or leave out --engine ray.")
    # Before ray is imported, which reads them. Nothing is sent to its makers.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    open_already = "ray" in sys.modules and sys.modules["ray"].is_initialized()
    if address == "local" and not open_already:
        # Whoever reaches a Ray's port can run code, and its ports are open to the network: ours asks for a word,
        # whatever the environment says of other Rays.
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": _WORD}
    import ray
    from ray._private import worker
    from ray._raylet import AuthenticationTokenLoader, Config

    worker._worker_logs_enabled = False  # it prints what it notices to standard output, where results go
    if open_already:  # somebody else's connection, who ends it
        yield ray
        return
    Config.initialize("")  # it may have been imported, and have read them, before
    AuthenticationTokenLoader.instance().reset_cache()
    with _own(ray, workers, threads) if address == "local" else _foreign(ray, address):
        yield ray


@contextmanager
def _own(ray: Any, workers: int | None, threads: int | None) -> Iterator[None]:
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    clear_folders(Path(tempfile.gettempdir()))
    cpus = max(here, (workers or 1) * (threads or 1))
    where = f"Ray cannot be started in {tempfile.gettempdir()}", "see that there is room, or leave out --engine ray"
    with _told(*where):
        folder = tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-")  # a short path: sockets lie in it
    own = {"num_cpus": cpus, "include_dashboard": False, "_node_ip_address": "127.0.0.1", "_temp_dir": folder}
    try:
        with _told(*where):
            ray.init(address="local", **own, **QUIET)
        yield
    finally:
        ray.shutdown()  # what there is of it: it may have started in part
        shutil.rmtree(folder, ignore_errors=True)


def clear_folders(place: Path) -> None:
    """Remove what Rays of ours whose process was killed have left."""
    for folder in place.glob(f"{FOLDER}*"):
        pid = folder.name.removeprefix(FOLDER).split("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _foreign(ray: Any, address: str) -> Iterator[None]:
    where = address.removeprefix("ray://")
    if address != "auto":
        _knock(where)
    with _told(f"Ray cannot be reached at {address!r}", "see docs/scaling.md"):
        ray.init(address=address, **QUIET)
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _told(what: str, mend: str) -> Iterator[None]:
    """Whatever Ray says, in many ways, within a sentence."""
    try:
        yield
    except Exception as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{what} ({why}); {mend}.") from error


def _knock(where: str) -> None:
    """Ray itself would wait for minutes where nobody answers."""
    host, _, port = where.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise UserError(f"--address takes local, auto, HOST:PORT or ray://HOST:PORT, not {where!r}.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()
    except OSError as error:
        raise UserError(
            f"Nothing answers at {where} ({error.strerror or error}); start Ray there with `ray start --head`, or leave"
            " out --address to start one here."
        ) from error
