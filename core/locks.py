"""Locks among threads and programs: files of the workspace, held by the kernel, so that who is killed holds none."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from core import workspace
from core.errors import UserError


@contextmanager
def held(*parts: str, busy: str = "") -> Iterator[None]:
    """Hold the lock `home()/parts...` until the block ends, waiting for whoever has it.

    busy: what is said, as a UserError, instead of waiting. Raises UserError also where the file cannot be made.
    """
    path = workspace.place(*parts)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise UserError(f"{path} cannot be locked: {error.strerror or error}; nothing was changed.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except BlockingIOError:
            raise UserError(busy) from None
        yield
    finally:
        os.close(descriptor)
