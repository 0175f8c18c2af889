"""Where a model's files are, found from what the user typed, without loading anything.

Only safetensors and GGUF weights count. Python files in a model directory are never read.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import spaces
from core.errors import UserError
from core.models.bundled import BUNDLED, converted
from core.models.remembered import require_permitted
from core.whole_folders import mended

WEIGHTS = ("*.safetensors", "*.gguf")
# What is fetched from a hub: weights in the two safe formats and plain data, never code or pickles.
ADAPTER_WEIGHTS = "adapter_model.safetensors"
WANTED = [*WEIGHTS, "*.json", "*.txt", "*.jinja", "*.model"]
# Ends of the names of a config's numbers of modules, each of which becomes an object of Python.
COUNTS = re.compile(r"(layers?|blocks?|experts?|stages?|depths?)$")
MOST_MODULES = 10_000
DEEPEST = 8


@dataclass(frozen=True)
class Source:
    """A model directory, ready to be read.

    id: what the user calls it. origin: "bundled", "local" or "hub". directory: holds config.json and weights.
    gguf: file name of the weights where they are GGUF. adapter: directory of a PEFT adapter on top.
    """

    id: str
    origin: str
    directory: Path
    gguf: str | None = None
    adapter: Path | None = None

    def files(self) -> list[Path]:
        """Every file that can change the model's numbers, in a fixed order."""
        kinds = [*WEIGHTS, "config.json", "tokenizer*", "vocab*", "merges.txt", "added_tokens.json"]
        kinds += ["special_tokens_map.json", "*.model"]
        found = {path for kind in kinds for path in self.directory.glob(kind) if path.is_file()}
        if self.gguf is not None:
            found = {self.directory / self.gguf}
        if self.adapter is not None:
            found |= {self.adapter / ADAPTER_WEIGHTS, self.adapter / "adapter_config.json"}
        return sorted(found)


def find_source(spec: str) -> Source:
    """The source that `spec` names: a bundled id, a local directory or .gguf file, or a hub id.

    Raises UserError, in one sentence, if there is none that can be opened, or it is not for the present user.
    """
    spec = spec.strip()
    if not spec:
        raise UserError("Name a model: smollm2, a directory, a .gguf file or a hub id.")
    require_permitted(spec)
    return _found(spec)


def _found(spec: str) -> Source:
    if spec in BUNDLED:
        return Source(spec, "bundled", converted(spec))
    try:
        path = Path(spec).expanduser()
        if path.is_file() and path.suffix == ".gguf":
            return Source(spec, "local", path.parent.resolve(), gguf=path.name)
        is_directory = mended(path).is_dir()
    except (OSError, RuntimeError, ValueError) as error:  # a home of nobody, a name too long, a folder not ours
        raise UserError(f"{spec[:80]!r} cannot be looked at: {error}") from None
    if is_directory:
        return _local(spec, path.resolve())
    if _looks_like_path(spec):
        raise UserError(f"There is no model directory {spec!r}.")
    return _from_hub(spec)


def _looks_like_path(spec: str) -> bool:
    return spec.startswith((".", "/", "~")) or spec.count("/") != 1 or "\\" in spec


def _local(spec: str, directory: Path) -> Source:
    if (directory / "adapter_config.json").is_file():
        return _adapter(spec, directory)
    ggufs = sorted(path.name for path in directory.glob("*.gguf"))
    if not (directory / "config.json").is_file() and len(ggufs) == 1:
        return Source(spec, "local", directory, gguf=ggufs[0])
    if not (directory / "config.json").is_file():
        raise UserError(f"{spec} is no Hugging Face model directory: it has no config.json.")
    if not any(directory.glob("*.safetensors")):
        others = sorted(path.name for path in directory.glob("*.bin")) or ["no weights"]
        raise UserError(
            f"{spec} holds {others[0]} but no .safetensors; only safetensors and GGUF weights are opened, "
            "so save the model again with safe_serialization=True."
        )
    return Source(spec, "local", directory)


def _adapter(spec: str, directory: Path) -> Source:
    config = read_config(directory / "adapter_config.json")
    base = config.get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise UserError(f"{spec} is an adapter that does not name its base model in adapter_config.json.")
    # PEFT would fall back on a pickle, whatever other safetensors lie beside it.
    if not (directory / ADAPTER_WEIGHTS).is_file():
        raise UserError(f"{spec} is an adapter without {ADAPTER_WEIGHTS}; save it again with safe_serialization=True.")
    if not Path(base).is_absolute() and (directory / base).is_dir():
        base = str(directory / base)
    if (Path(base) / "adapter_config.json").is_file() or (below := _found(base)).adapter is not None:
        raise UserError(f"{spec} is an adapter upon an adapter; merge the lower one into its base first.")
    return Source(spec, below.origin, below.directory, below.gguf, adapter=directory)


def _from_hub(spec: str) -> Source:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
    shared = bool(spaces.space())  # nobody has a server fetch gigabytes, or what its owner's token alone may see
    try:
        directory = snapshot_download(spec, allow_patterns=WANTED, local_files_only=offline or shared)
    except HFValidationError:
        raise UserError(f"{spec!r} is neither a bundled model, a directory, nor a hub id like owner/name.") from None
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        reason = "HF_HUB_OFFLINE is set" if offline else "only its owner may" if shared else type(error).__name__
        raise UserError(
            f"{spec!r} is not a local directory, and the hub could not be asked for it ({reason}); "
            "check the name or give the path of a directory."
        ) from None
    source = _local(spec, Path(directory))
    return Source(spec, "hub", source.directory, source.gguf, source.adapter)


def read_config(path: Path) -> dict[str, Any]:
    """A JSON object from a model directory. Raises UserError if it is not one."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise UserError(f"{path} is damaged: it is not a JSON object.")
    _check_counts(value, path)
    return value


def _check_counts(value: Any, path: Path, depth: int = 0) -> None:
    """Raises UserError for counts of modules that no model has: building them would never end."""
    if isinstance(value, list) and depth < DEEPEST:
        for one in value:
            _check_counts(one, path, depth + 1)
    if not isinstance(value, dict) or depth >= DEEPEST:
        return
    for name, one in value.items():
        if COUNTS.search(name) and isinstance(one, int | float) and not abs(one) <= MOST_MODULES:
            raise UserError(f"{path} is damaged: its {name[:40]} is {one:,}, and {MOST_MODULES:,} is the most.")
        _check_counts(one, path, depth + 1)
