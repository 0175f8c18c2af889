"""Steering: pushing a model along a direction while it writes, token by token."""

from typing import TYPE_CHECKING

from core.lazy import attach

if TYPE_CHECKING:
    from core.steering.generate import Decoding, Step, stream
    from core.steering.interventions import Intervention, Positions
    from core.steering.texts import DEFAULT_POSITIONS, SteeredText, site_of, steer, steer_stream, text_of

__all__ = [
    "DEFAULT_POSITIONS",
    "Decoding",
    "Intervention",
    "Positions",
    "SteeredText",
    "Step",
    "site_of",
    "steer",
    "steer_stream",
    "stream",
    "text_of",
]

__getattr__ = attach(
    __name__,
    {
        "DEFAULT_POSITIONS": "texts",
        "Decoding": "generate",
        "Intervention": "interventions",
        "Positions": "interventions",
        "Step": "generate",
        "SteeredText": "texts",
        "site_of": "texts",
        "steer": "texts",
        "steer_stream": "texts",
        "stream": "generate",
        "text_of": "texts",
    },
)
