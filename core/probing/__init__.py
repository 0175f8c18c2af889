"""Probes: where, and how well, a concept can be read from a model's activations."""

from core.probing.baselines import Baseline, text_baselines
from core.probing.controls import Control, random_control, shuffled_control, shuffled_labels
from core.probing.result import ProbeResult, Sweep
from core.probing.scoring import probe
from core.probing.sweeping import METHODS, cached_sweep, sweep
from core.probing.threshold import accuracy, best_threshold

__all__ = [
    "METHODS",
    "Baseline",
    "Control",
    "ProbeResult",
    "Sweep",
    "accuracy",
    "best_threshold",
    "cached_sweep",
    "probe",
    "random_control",
    "shuffled_control",
    "shuffled_labels",
    "sweep",
    "text_baselines",
]
