"""The user's own architecture: a Python function that returns a network, named on the command line.

This runs the file that is named, with all that the user may do. It is therefore never taken from a page, a link or a
model directory: only the command line passes it on, and a job, which a page may have started, is refused.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from core import workspace
from core.errors import UserError
from core.models.preprocessing import Preprocessing


@dataclass(frozen=True, eq=False)
class Built:
    """What a factory made. preprocessing, class_names: None where it names none."""

    network: nn.Module
    fingerprint: str
    preprocessing: Preprocessing | None
    class_names: tuple[str, ...] | None


def build(factory: str, argument: str) -> Built:
    """Run `file.py:function`; the function is given `argument` if it takes one.

    It returns a module that takes pixels (batch, 3, height, width) and returns logits (batch, classes). The module
    may have the attributes `preprocessing` (fields of Preprocessing, as a dict) and `class_names` (a list).

    Raises UserError if there is no such function, it fails, or it returns something else.
    """
    if os.environ.get("CONCEPTSCOPE_JOB"):
        raise UserError("A factory runs code of yours, so it is taken from the command line alone, never in a job.")
    path, _, name = factory.rpartition(":")
    function = _function(Path(path).expanduser(), name)
    try:
        network = function(argument) if inspect.signature(function).parameters else function()
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"The factory {factory} failed with {type(error).__name__}: {reason}") from error
    if not isinstance(network, nn.Module):
        raise UserError(f"The factory {factory} returned {type(network).__name__}; it must return a torch.nn.Module.")
    names = getattr(network, "class_names", None)
    return Built(
        network,
        _fingerprint(network, Path(path).expanduser()),
        _preprocessing(factory, getattr(network, "preprocessing", None)),
        None if names is None else tuple(str(one) for one in names),
    )


def _function(path: Path, name: str) -> Callable[..., Any]:
    if path.suffix != ".py" or not name.isidentifier() or not path.is_file():
        raise UserError(
            f"--factory takes a Python file and a function in it, such as nets.py:build, not {path}:{name}."
        )
    spec = importlib.util.spec_from_file_location(f"conceptscope_factory_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UserError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise UserError(f"{path} has no function {name!r}.")
    return function


def _preprocessing(factory: str, given: object) -> Preprocessing | None:
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise UserError(f"The preprocessing of {factory} must be a dict such as {{'resize': (224, 224), ...}}.")
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    try:
        return Preprocessing(**({"resize": None, "crop": None} | values))
    except TypeError as error:
        raise UserError(f"The preprocessing of {factory} does not fit: {error}") from None


def _fingerprint(network: nn.Module, path: Path) -> str:
    """Over the file and every parameter and buffer: either can change the numbers."""
    parts = [["source", path.name, hashlib.sha256(path.read_bytes()).hexdigest()]]
    for name, tensor in network.state_dict().items():
        if isinstance(tensor, torch.Tensor):
            data = tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
            parts.append([name, str(tuple(tensor.shape)), hashlib.sha256(data).hexdigest()])
    return workspace.digest(parts)
