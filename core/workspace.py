"""The one directory that the program writes to, and how it writes there.

Everything lives under `CONCEPTSCOPE_HOME` (default `~/.cache/conceptscope`): models, activations,
results, directions, jobs. Files appear whole or not at all. Where several people use one workspace, each has a part of
it (core/spaces.py): `home` and `place` are that part, `found` and `listed` look into the shared library too.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core import quota, spaces
from core.errors import UserError

_WRAPPED = "json"
_CHECKED = re.compile(rb'\{\n "([^"\n]{5})": "([^"\n]{64})",')  # another name of five letters is damage
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")


def home() -> Path:
    """The workspace, or the present user's part of it; made if it is missing."""
    own = spaces.space()
    return _made(shared() / spaces.USERS / own) if own else shared()


def shared() -> Path:
    """The whole workspace, made if it is missing."""
    return _made(Path(os.environ.get("CONCEPTSCOPE_HOME") or Path.home() / ".cache" / "conceptscope").expanduser())


def _made(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"The workspace {path} cannot be made ({error.strerror}); set CONCEPTSCOPE_HOME.") from error
    return path.resolve()


def place(*parts: str) -> Path:
    """The path `home()/parts...`, its parent made where that can be: what is there is read from a full disk, too.

    Raises UserError if it would leave the workspace.
    """
    root = home()
    path = root.joinpath(*parts)
    if not path.resolve().is_relative_to(root):
        raise UserError(f"{str(Path(*parts))!r} lies outside the workspace {root}; use a plain name.")
    with contextlib.suppress(OSError):  # whoever writes there is told then
        path.parent.mkdir(parents=True, exist_ok=True)
    return path


def found(*parts: str) -> Path:
    """The path to read `parts` at: the own one, or that of the shared library where only it has them."""
    own = place(*parts)
    if own.exists() or not spaces.space() or parts[0] not in spaces.LIBRARY:
        return own
    there = shared().joinpath(*parts)
    inside = there.resolve().is_relative_to(shared() / parts[0])
    return there if inside and there.exists() else own


def listed(folder: str, pattern: str) -> list[Path]:
    """What matches `pattern` in one's own `folder` and in the library's, by name; one's own hides what is called so."""
    own = place(folder, "x").parent
    by_name = {str(path.relative_to(own)): path for path in own.glob(pattern)}
    if spaces.space() and folder in spaces.LIBRARY:
        there = shared() / folder
        by_name = {str(path.relative_to(there)): path for path in there.glob(pattern)} | by_name
    return [by_name[name] for name in sorted(by_name)]


def require_room(size: int) -> None:
    """Before `size` bytes are written. Raises UserError where that is more than the present user may fill."""
    if spaces.space():
        quota.require_room(home(), size)


def is_shared(path: Path) -> bool:
    """Whether `path` lies outside the present user's space, so that it is to be read only."""
    return bool(spaces.space()) and not path.resolve().is_relative_to(home())


def require_writable(path: Path) -> None:
    """Raises UserError for a path outside the present user's space."""
    if is_shared(path):
        raise UserError(f"{path.name} lies outside your own space, where nothing is written for you.")


def require_own(what: str, *parts: str) -> None:
    """Raises UserError, naming `what`, if what would be changed at `parts` is in the shared library alone."""
    if is_shared(found(*parts)):
        raise UserError(f"{what} belongs to the shared library, which cannot be changed from here; save your own.")


def readable(path: Path) -> Path:
    """`path`, which somebody typed, if it may be read: on one's own machine any, on a server one's own and the library.

    Raises UserError else, whether or not there is such a file.
    """
    if not spaces.space():
        return path
    try:
        full = path.expanduser().resolve()
    except (OSError, RuntimeError, ValueError):  # the home of nobody, a name too long, a NUL
        full = shared()  # which itself is nobody's to read
    parts = full.relative_to(shared()).parts if full.is_relative_to(shared()) else ()
    put_away = any(part.startswith(".") or part == "deleted" for part in parts)  # by the owner, who may want it back
    in_library = bool(parts) and parts[0] in spaces.LIBRARY and not put_away
    if not in_library and not full.is_relative_to(home()):
        raise UserError("This server opens no files of its own for others; bring the file in, or ask whoever runs it.")
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
    require_writable(path)
    require_room(len(data))
    path.parent.mkdir(parents=True, exist_ok=True)
    folder, before = _parts_for(path)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=before + _own_prefix(), suffix=".part")
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


def clear_parts(folder: Path | None = None, before: str = "") -> None:
    """Remove what programs that were killed on this machine left half-written, files and folders.

    folder: where they lie, by default aside in the workspace. before: what their names begin with there.
    """
    for path in (folder or home() / spaces.PARTS).glob(f"{glob.escape(before + platform.node())}~*.part"):
        pid = path.name[len(before) :].split("~")[1]
        if pid.isdigit() and _alive(int(pid)):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _parts_for(path: Path) -> tuple[Path, str]:
    """Where `path` is written before it is whole, and what the names there begin with.

    Aside, so that no listing of its folder ever shows a half file; outside of the workspace beside it, where what was
    left of it by programs that were killed is cleared first.
    """
    if not path.resolve().is_relative_to(home()):
        before = f".{path.name[:100]}~"
        clear_parts(path.parent, before)
        return path.parent, before
    folder = home() / spaces.PARTS
    folder.mkdir(exist_ok=True)
    return folder, ""


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
    """`write_bytes` of `value` as `json_bytes` has it."""
    write_bytes(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """`value` as indented JSON, an object that begins with the checksum of what follows it.

    What is no object, or an empty one, is put into one under the name `json`. NaN and infinities are refused: they are
    not JSON.
    """
    plain = isinstance(value, dict) and bool(value) and set(value) != {_WRAPPED}
    text = json.dumps(value if plain else {_WRAPPED: value}, indent=1, ensure_ascii=False, allow_nan=False)
    rest = text[1:].encode("utf-8", errors="surrogatepass") + b"\n"
    return b'{\n "check": "%s",%s' % (hashlib.sha256(rest).hexdigest().encode(), rest)


def read_json(path: Path, hook: Callable[[dict[str, Any]], Any] | None = None) -> Any | None:
    """The value in `path`, or None if there is no such file or it is damaged; see `json_value`."""
    try:
        return json_value(path.read_bytes(), hook)
    except FileNotFoundError:
        return None


def json_value(data: bytes, hook: Callable[[dict[str, Any]], Any] | None = None) -> Any | None:
    """The value that `json_bytes` wrote, or None if it is damaged, if only in a single bit.

    hook: makes something else of each object as soon as it is read. JSON that another program wrote, without a
    checksum, is taken as it is.
    """
    try:
        if not (checked := _CHECKED.match(data)):
            return json.loads(data, object_hook=hook)
        body = bytearray(b"{")
        body += memoryview(data)[checked.end() :]
        name, stated = checked.groups()
        del data, checked  # labels of many features are tens of megabytes, held as few times as can be
        if name != b"check" or stated != hashlib.sha256(memoryview(body)[1:]).hexdigest().encode():
            return None
        value = json.loads(body, object_hook=hook)
    except (ValueError, RecursionError):  # brackets a thousand deep are damage as well
        return None
    return value[_WRAPPED] if isinstance(value, dict) and set(value) == {_WRAPPED} else value


def digest(value: Any) -> str:
    """24 hexadecimal digits that identify a JSON value: the key of everything that is cached."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
