"""Probes: where, and how well, a concept can be read from a model's activations."""

from core.probing.baselines import Baseline, text_baselines
from core.probing.batched import draw, probe, probe_layer
from core.probing.codelength import Block, Codelength
from core.probing.control_task import ControlTask
from core.probing.controls import Control, random_control, shuffled_labels
from core.probing.platt import Platt, fit_platt
from core.probing.result import ProbeResult, Sweep
from core.probing.sweeping import CONTROLS, METHODS, cached_sweep, sweep
from core.probing.threshold import accuracy, best_threshold

__all__ = [
    "CONTROLS",
    "METHODS",
    "Baseline",
    "Block",
    "Codelength",
    "Control",
    "ControlTask",
    "Platt",
    "ProbeResult",
    "Sweep",
    "accuracy",
    "best_threshold",
    "cached_sweep",
    "draw",
    "fit_platt",
    "probe",
    "probe_layer",
    "random_control",
    "shuffled_labels",
    "sweep",
    "text_baselines",
]
