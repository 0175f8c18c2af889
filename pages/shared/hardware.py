"""On what the model runs: chosen by itself, shown, and overridable."""

from __future__ import annotations

import sys

import streamlit as st

from pages.shared.links import linked, remembered

BY_ITSELF = "auto"
DEVICES = (BY_ITSELF, "cuda", "mps", "cpu", "spread")
DTYPES = (BY_ITSELF, "float32", "bfloat16", "float16", "int8", "int4")


def choose_hardware() -> None:
    """Draw the choice of device and precision for the sidebar."""
    with st.popover(_now(), icon=":material/memory:", width="stretch"):
        linked(
            st.selectbox,
            "Device",
            key="device",
            default=BY_ITSELF,
            valid=DEVICES.__contains__,
            options=list(DEVICES),
            help="auto takes an NVIDIA GPU (cuda) if there is one, else an Apple GPU (mps), else the processor (cpu). "
            "spread puts a model's layers on all GPUs, then into memory, then leaves them on disk, which is slow.",
        )
        linked(
            st.selectbox,
            "Precision",
            key="dtype",
            default=BY_ITSELF,
            valid=DTYPES.__contains__,
            options=list(DTYPES),
            help="auto takes what the device is good at: 16 bits on a GPU; float32 on a processor, where 16 bits are "
            "several times slower. int8 and int4 keep weights in fewer bits and compute in what the device is good at.",
        )


def chosen_hardware() -> tuple[str | None, str | None]:
    """Device and precision as `open_model` takes them: None is by itself."""
    device, dtype = (remembered(key, BY_ITSELF) for key in ("device", "dtype"))
    return (None if device == BY_ITSELF else device, None if dtype == BY_ITSELF else dtype)


def as_arguments() -> list[str]:
    """The same for the command line of a job."""
    device, dtype = chosen_hardware()
    return [*(["--device", device] if device else []), *(["--dtype", dtype] if dtype else [])]


def _now() -> str:
    """What the model runs on. Before torch is loaded (it takes seconds) only what was chosen is known."""
    device, dtype = chosen_hardware()
    if "torch" in sys.modules:
        from core.errors import UserError
        from core.models.device import choose_device, choose_dtype

        try:
            there = choose_device(device)
            device, dtype = there.type, dtype or str(choose_dtype(there)).removeprefix("torch.")
        except UserError:
            return f"{device}: not on this machine"
    return " · ".join(part or BY_ITSELF for part in (device, dtype))
