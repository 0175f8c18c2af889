"""A model as it was when it was last opened: enough to name what was computed with it, without loading it.

Results are kept under keys that hash the model's fingerprint, its sites, device and precision. All of these can be told
from small files, so that a page shows what is known without importing torch, which takes seconds.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from core import workspace
from core.errors import UserError
from core.models.bundled import BUNDLED, is_converted
from core.models.fingerprint import fingerprint, state_of
from core.models.quantised import QUANTISED, is_there, scheme_of
from core.models.remembered import is_permitted
from core.models.site import Kind, Site
from core.models.source import ADAPTER_WEIGHTS, find_source, read_config
from core.models.spread import SPREAD
from core.versions import version

if TYPE_CHECKING:
    from core.models.model import Model

FORMAT = 1  # raised when `find_layout` may find other blocks in the same network

AnyModel: TypeAlias = "Model | KnownModel"


class NotOpened(UserError):
    """What was asked for was not computed before, and the model that could compute it is not open."""


@dataclass(frozen=True)
class KnownModel:
    """Stands for an opened model wherever only its identity counts. blocks: module path of each layer."""

    id: str
    fingerprint: str
    device_type: str
    dtype_name: str
    width: int
    blocks: tuple[str, ...]

    @property
    def n_layers(self) -> int:
        return len(self.blocks)

    def site(self, layer: int, kind: Kind = "after") -> Site:
        """The residual stream after `layer`, as `Model.site` names it. Raises UserError where there is none."""
        if not 0 <= layer < self.n_layers:
            raise UserError(f"{self.id} has no layer {layer}: its layers are 0 to {self.n_layers - 1}.")
        if kind != "after":
            raise NotOpened(f"{self.id} has to be opened to tell its {kind!r} sites.")
        return Site(layer, "after", self.blocks[layer], "output")


def opened(model: AnyModel) -> Model:
    """`model` if it can be run. Raises NotOpened for one that is only known."""
    if isinstance(model, KnownModel):
        raise NotOpened(f"This was not computed before, and {model.id} is not open.")
    return model


def as_known(model: AnyModel) -> KnownModel:
    """What is known of `model`: to ask for what was computed with it, and no more."""
    if isinstance(model, KnownModel):
        return model
    kind = (model.device_type, model.dtype_name)
    return KnownModel(model.id, model.fingerprint, *kind, width=model.width, blocks=model.layout.blocks)


def known_model(spec: str, *, device: str | None = None, dtype: str | None = None) -> KnownModel | None:
    """What `open_model` with these arguments would open, or None if only opening it can tell.

    None for a model that was never opened as it is now, for hub ids (the hub may hold a newer one), and where torch has
    to be asked what the device is and was not imported yet.
    """
    hardware = _hardware(device, dtype)
    lacks_library = dtype in QUANTISED and not is_there(QUANTISED[dtype])  # opening it says so
    if hardware is None or lacks_library or not _is_here(spec):
        return None
    source = find_source(spec)
    own = fingerprint(source, scheme_of(dtype))
    note = workspace.read_json(workspace.found("models", "layouts", f"{own}.json"))
    if not isinstance(note, dict) or note.get("format") != FORMAT:
        return None
    return KnownModel(source.id, own, *hardware, width=note["width"], blocks=tuple(note["blocks"]))


def contents(spec: str) -> str:
    """What the files of a model hold now, by which an opened one can be told from them; loads nothing.

    "" for a hub id, whose files are never written again once they are there; of an adapter to one, its own files count.
    Raises UserError, as opening would, for a model on this machine that cannot be found.
    """
    spec = spec.strip()
    if spec in BUNDLED or _is_here(spec):
        return fingerprint(find_source(spec))
    if not is_permitted(spec) or "\0" in spec:
        return ""  # opening it says so
    folder = Path(spec).expanduser() if spec.startswith("~/") else Path(spec)
    adapter = [state_of(folder / name) for name in (ADAPTER_WEIGHTS, "adapter_config.json")]
    return workspace.digest(adapter) if any(adapter) else ""


def remember_layout(fingerprint: str, blocks: tuple[str, ...], width: int) -> None:
    """Keep where the layers of the model with this fingerprint were found."""
    note = {"format": FORMAT, "width": width, "blocks": list(blocks)}
    if workspace.read_json(workspace.found("models", "layouts", f"{fingerprint}.json")) != note:
        workspace.write_json(_path(fingerprint), note)


def _path(fingerprint: str) -> Path:
    return workspace.place("models", "layouts", f"{fingerprint}.json")


def _is_here(spec: str) -> bool:
    """Whether the source can be found without conversion or network."""
    spec = spec.strip()
    if spec in BUNDLED:
        return BUNDLED[spec].kind == "text" and is_converted(spec)
    if not is_permitted(spec):
        return False  # opening it says so
    try:
        path = Path(spec).expanduser()
        adapter = path / "adapter_config.json"
        if not adapter.is_file():
            return bool(spec) and path.exists()
        base = str(read_config(adapter).get("base_model_name_or_path") or "")
        return (base in BUNDLED and is_converted(base)) or (path / base).is_dir() or Path(base).is_dir()
    except (OSError, RuntimeError, ValueError):  # no path at all: find_source says so
        return False


def _hardware(device: str | None, dtype: str | None) -> tuple[str, str] | None:
    """Device and precision that `open_model` would choose, or None where only torch can tell and is not loaded."""
    if "torch" in sys.modules:
        from core.models.device import choose_device, choose_dtype

        there = choose_device(device)
        return there.type, str(choose_dtype(there, dtype)).removeprefix("torch.")
    if device == "cpu" or (device in (None, SPREAD) and _has_processor_only()):
        return "cpu", "float32" if dtype is None or dtype in QUANTISED else dtype
    return None


def _has_processor_only() -> bool:
    """Whether torch will find no GPU, whatever it looks for: it is built without, or the system shows none."""
    if version("torch").endswith("+cpu"):
        return True
    drivers = ("nvidia*", "nvhost*", "nvmap", "kfd", "dxg")  # of NVIDIA, of its small boards, of AMD, of Windows' Linux
    return sys.platform == "linux" and not any(True for name in drivers for _ in Path("/dev").glob(name))
