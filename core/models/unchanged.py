"""Whether a model that is open is still what its files say.

Weights are mapped from their files as a rule, so that whoever writes into one changes the network in memory, whose
fingerprint stays. What it computes then would be kept as the work of weights that are gone.
"""

from __future__ import annotations

from pathlib import Path

from core.errors import UserError
from core.models.fingerprint import fingerprint
from core.models.source import Source

WEIGHTS = (".safetensors", ".gguf")


class OpenedFiles:
    """The files of a model as they are when this is made, which is before any of them is read."""

    def __init__(self, source: Source, scheme: str = "") -> None:
        self._source, self._scheme = source, scheme
        self._all = {path: _written(path) for path in source.files()}
        self._weights = {path: state for path, state in self._all.items() if path.suffix in WEIGHTS}
        self._fingerprint = ""

    def fingerprint(self) -> str:
        """Of what was read since this was made. Raises UserError where a file changed meanwhile."""
        self._fingerprint = fingerprint(self._source, self._scheme)
        if {path: _written(path) for path in self._source.files()} != self._all:
            raise UserError(f"The files of {self._source.id} changed while it was being opened; open it again.")
        return self._fingerprint

    def require_unchanged(self) -> None:
        """Raises UserError where the weights' files are others than those that were opened; a look at each file.

        Tokenizer and config were read once and are in memory. A file that was touched and holds what it held is read
        through once more, and counts as unchanged.
        """
        now = {path: _written(path) for path in self._weights}
        if now == self._weights:
            return
        if not all(now.values()) or fingerprint(self._source, self._scheme) != self._fingerprint:
            raise UserError(f"The files of {self._source.id} have changed since it was opened; open it again.")
        self._weights = now


def _written(path: Path) -> str:
    """What writing into the file or replacing it changes, and a further link to it does not; "" where there is none."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_ino}|{status.st_size}|{status.st_mtime_ns}"
