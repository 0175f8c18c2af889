"""The one directory that the program writes to, and how it writes there.

Everything lives under `CONCEPTSCOPE_HOME` (default `~/.cache/conceptscope`): models, activations,
results, directions, jobs. Files appear whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import tempfile
from pathlib import Path
from typing import Any

from core.errors import UserError

PARTS = "parts"  # folder of half-written files, on the same file system as everything else

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")


def home() -> Path:
    """The workspace, made if it is missing."""
    path = Path(os.environ.get("CONCEPTSCOPE_HOME") or Path.home() / ".cache" / "conceptscope").expanduser()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"The workspace {path} cannot be made ({error.strerror}); set CONCEPTSCOPE_HOME.") from error
    return path.resolve()


def place(*parts: str) -> Path:
    """The path `home()/parts...`, its parent made.

    Raises UserError if it would leave the workspace.
    """
    root = home()
    path = root.joinpath(*parts)
    if not path.resolve().is_relative_to(root):
        raise UserError(f"{str(Path(*parts))!r} lies outside the workspace {root}; use a plain name.")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def checked_name(name: str) -> str:
    """`name` if it is fit to be a file's name (letters, digits, `_ . + -`; at most 64), else UserError."""
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{name!r} cannot be a name: use up to 64 letters, digits, '_', '.', '+' or '-', a letter or digit first."
        )
    return name


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a reader sees the old file or the whole new one, also after a crash.

    Raises UserError if it cannot be written (disk full, no permission); what was there is unharmed.
    """
    try:
        _write(path, data)
    except OSError as error:
        raise UserError(f"{path} could not be written: {error.strerror or error}; what was there is kept.") from error


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=_parts_for(path), prefix=_own_prefix(), suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def clear_parts() -> None:
    """Remove what programs that were killed on this machine left half-written."""
    for path in (home() / PARTS).glob(f"{platform.node()}~*.part"):
        pid = path.name.split("~")[1]
        if not (pid.isdigit() and _alive(int(pid))):
            path.unlink(missing_ok=True)


def _parts_for(path: Path) -> Path:
    """Where `path` is written before it is whole: aside, so that no listing of its folder ever shows a half file."""
    if not path.resolve().is_relative_to(home()):
        return path.parent
    folder = home() / PARTS
    folder.mkdir(exist_ok=True)
    return folder


def _own_prefix() -> str:
    return f"{platform.node()}~{os.getpid()}~"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def sync_directory(path: Path) -> None:
    """Make renames in `path` durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Any) -> None:
    """`write_bytes` of `value` as indented JSON. NaN and infinities are refused: they are not JSON."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    write_bytes(path, text.encode("utf-8", errors="surrogatepass") + b"\n")


def read_json(path: Path) -> Any | None:
    """The value in `path`, or None if there is no such file or it is damaged."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):  # brackets a thousand deep are damage as well
        return None


def digest(value: Any) -> str:
    """24 hexadecimal digits that identify a JSON value: the key of everything that is cached."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
