"""Steering: pushing a model along a direction while it writes, token by token."""

from typing import TYPE_CHECKING

from core.lazy import attach

if TYPE_CHECKING:
    from core.steering.dose_curves import compare_slopes, curve, recommended_range
    from core.steering.dose_sweep import DoseSweep, Judges, sweep_doses
    from core.steering.generate import Decoding, Step, stream
    from core.steering.guarding import Guards, guards
    from core.steering.interventions import Condition, Intervention
    from core.steering.measures import Measure, embedding_measure, other_layer, probe_measure
    from core.steering.operators import OPERATORS, Operator, operator_named
    from core.steering.positions import DEFAULT_POSITIONS, Positions, positions_named
    from core.steering.texts import SteeredText, steer, steer_stream, text_of

__all__ = [
    "DEFAULT_POSITIONS",
    "OPERATORS",
    "Condition",
    "Decoding",
    "DoseSweep",
    "Guards",
    "Intervention",
    "Judges",
    "Measure",
    "Operator",
    "Positions",
    "SteeredText",
    "Step",
    "compare_slopes",
    "curve",
    "embedding_measure",
    "guards",
    "operator_named",
    "other_layer",
    "positions_named",
    "probe_measure",
    "recommended_range",
    "steer",
    "steer_stream",
    "stream",
    "sweep_doses",
    "text_of",
]

__getattr__ = attach(
    __name__,
    {
        "Condition": "interventions",
        "DEFAULT_POSITIONS": "positions",
        "Decoding": "generate",
        "DoseSweep": "dose_sweep",
        "Guards": "guarding",
        "Intervention": "interventions",
        "Judges": "dose_sweep",
        "Measure": "measures",
        "OPERATORS": "operators",
        "Operator": "operators",
        "Positions": "positions",
        "SteeredText": "texts",
        "Step": "generate",
        "compare_slopes": "dose_curves",
        "curve": "dose_curves",
        "embedding_measure": "measures",
        "guards": "guarding",
        "operator_named": "operators",
        "other_layer": "measures",
        "positions_named": "positions",
        "probe_measure": "measures",
        "recommended_range": "dose_curves",
        "steer": "texts",
        "steer_stream": "texts",
        "stream": "generate",
        "sweep_doses": "dose_sweep",
        "text_of": "texts",
    },
)
