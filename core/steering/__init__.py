"""Steering: pushing a model along a direction while it writes, token by token."""

from typing import TYPE_CHECKING

from core.lazy import attach

if TYPE_CHECKING:
    from core.steering.generate import Decoding, Step, stream
    from core.steering.guarding import Guards, guards
    from core.steering.interventions import Condition, Intervention
    from core.steering.operators import OPERATORS, Operator, operator_named
    from core.steering.positions import DEFAULT_POSITIONS, Positions, positions_named
    from core.steering.texts import SteeredText, steer, steer_stream, text_of

__all__ = [
    "DEFAULT_POSITIONS",
    "OPERATORS",
    "Condition",
    "Decoding",
    "Guards",
    "Intervention",
    "Operator",
    "Positions",
    "SteeredText",
    "Step",
    "guards",
    "operator_named",
    "positions_named",
    "steer",
    "steer_stream",
    "stream",
    "text_of",
]

__getattr__ = attach(
    __name__,
    {
        "Condition": "interventions",
        "OPERATORS": "operators",
        "Operator": "operators",
        "operator_named": "operators",
        "DEFAULT_POSITIONS": "positions",
        "Decoding": "generate",
        "Guards": "guarding",
        "guards": "guarding",
        "Intervention": "interventions",
        "Positions": "positions",
        "positions_named": "positions",
        "Step": "generate",
        "SteeredText": "texts",
        "steer": "texts",
        "steer_stream": "texts",
        "stream": "generate",
        "text_of": "texts",
    },
)
