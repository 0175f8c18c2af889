"""Probes: where, and how well, a concept can be read from a model's activations."""

from core.probing.all_sets import Mean, Row, Skipped, Table, probe_all
from core.probing.asking import METHODS
from core.probing.baselines import Baseline, text_baselines
from core.probing.batched import draw, probe, probe_layer
from core.probing.calibration import Bin, Calibration, Cut, calibration_of
from core.probing.choosing import LayerChoice, LayerScores, layer_choice
from core.probing.codelength import Block, Codelength
from core.probing.control_task import ControlTask
from core.probing.controls import Control, random_control, shuffled_labels
from core.probing.curves import Curve, LearningCurve, Point, learning_curve
from core.probing.details import Details, probe_details
from core.probing.misread import Errors, Misread, errors_of
from core.probing.nonlinear import Nonlinear, nonlinear_check
from core.probing.plain import from_plain, to_plain
from core.probing.platt import Platt, fit_platt
from core.probing.readers import direction_reader, probe_readers
from core.probing.reading import Reading, read_probe
from core.probing.result import ProbeResult, Sweep, sweep_from_json
from core.probing.subgroups import Subgroup, Subgroups, subgroup_scores
from core.probing.sweeping import CONTROLS, cached_sweep, sweep
from core.probing.threshold import accuracy, best_threshold
from core.probing.tokens import MASKS, Reader, TokenReading, read_tokens
from core.probing.transferring import Transfer, TransferResult, transfer

__all__ = [
    "CONTROLS",
    "MASKS",
    "METHODS",
    "Baseline",
    "Bin",
    "Block",
    "Calibration",
    "Codelength",
    "Control",
    "ControlTask",
    "Curve",
    "Cut",
    "Details",
    "Errors",
    "LayerChoice",
    "LayerScores",
    "LearningCurve",
    "Mean",
    "Misread",
    "Nonlinear",
    "Platt",
    "Point",
    "ProbeResult",
    "Reader",
    "Reading",
    "Row",
    "Skipped",
    "Subgroup",
    "Subgroups",
    "Sweep",
    "Table",
    "TokenReading",
    "Transfer",
    "TransferResult",
    "accuracy",
    "best_threshold",
    "cached_sweep",
    "calibration_of",
    "direction_reader",
    "draw",
    "errors_of",
    "fit_platt",
    "from_plain",
    "layer_choice",
    "learning_curve",
    "nonlinear_check",
    "probe",
    "probe_all",
    "probe_details",
    "probe_layer",
    "probe_readers",
    "random_control",
    "read_probe",
    "read_tokens",
    "shuffled_labels",
    "subgroup_scores",
    "sweep",
    "sweep_from_json",
    "text_baselines",
    "to_plain",
    "transfer",
]
